"""The fast way of a topic: one generated module, with a function for each route and one for the topic.

It decodes only what the routes read, to structs (see projection.py), and computes conditions, identities, fields and
the uuid in straight Python over their attributes; items are structs too, which msgspec encodes without the entries that
are None. A record of an odd shape is decoded as a whole instead and mapped by `BoundRoute.map`, the general way, which
gives the same items for every record.

As in codegen.py, nothing from the config file is executed: names from the file appear as literals or in comments that
hold nothing but letters and digits, and every object is bound to a generated name.
"""

from connector.mapping.generated.topic import change_source, load, topic_source

__all__ = ["change_source", "load", "topic_source"]
