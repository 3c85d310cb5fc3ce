"""What Meta's platforms share: how an app's webhooks are signed."""

from typing import Final

from chalicelib.intake.chat.proof import Signature

#: By the app's secret. The older X-Hub-Signature (SHA-1) comes along and is not looked at.
SIGNATURE: Final = Signature(header="x-hub-signature-256", prefix="sha256=", algorithm="sha256")
