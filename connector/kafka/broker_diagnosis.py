"""Why no broker answers: looked up beside the consumer's thread, because librdkafka says little of it, or nothing.

What listens at the bootstrap servers is asked as `check --connect` does. If one of them is a broker that fits the
config, the cause is elsewhere, and librdkafka's own words are all there is.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final

from connector.kafka.listener_findings import bootstrap_servers, look_at
from connector.language.message import NOTHING, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.findings import Finding
    from connector.language.message import Message
    from connector.settings.models import Kafka

LOOK_AGAIN_S: Final = 10.0
WAIT_S: Final = 3.0
"""How long the first look is waited for: most are over in milliseconds, and one remedy is better than two."""
MAX_SERVERS: Final = 3


class BrokerDiagnosis:
    """Looks at the bootstrap servers while no broker answers. Used by one thread; `now` is monotonic seconds."""

    def __init__(self, kafka: Kafka, look: Callable[[str, Kafka], Finding] = look_at) -> None:
        self.servers = bootstrap_servers(kafka)
        self._kafka = kafka
        self._look = look
        self._thread: threading.Thread | None = None
        self._looked_at = -math.inf
        self._found = NOTHING
        self.bootstrap_answers = False
        """Whether one of the bootstrap servers is a broker that fits, as of the last look."""

    def remedy(self, now: float) -> Message:
        """Return what is wrong with the first bootstrap server and what to do; empty while that isn't known.

        Called while no broker answers. Blocks for WAIT_S at most, and only the first time.
        """
        is_looking = self._thread is not None and self._thread.is_alive()
        if not is_looking and now - self._looked_at >= LOOK_AGAIN_S:
            is_first, self._looked_at = self._looked_at == -math.inf, now
            self._thread = threading.Thread(target=self._run, name="kafka-diagnosis", daemon=True)
            self._thread.start()
            if is_first:
                self._thread.join(WAIT_S)
        return self._found

    def forget(self) -> None:
        """Called when a broker has answered."""
        self._looked_at, self._found, self.bootstrap_answers = -math.inf, NOTHING, False

    def _run(self) -> None:
        first: Finding | None = None
        for server in self.servers[:MAX_SERVERS]:
            finding = self._look(server, self._kafka)
            if finding.verdict != "failed":
                self._found, self.bootstrap_answers = NOTHING, True
                return
            first = first or finding
        self.bootstrap_answers = False
        if first is not None:
            told = {"server": first.subject, "found": first.detail, "remedy": first.remedy}
            self._found = message("{server}: {found}; {remedy}", **told)
