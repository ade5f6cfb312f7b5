"""The command `explain`: why a record becomes the items that it becomes, or none."""
