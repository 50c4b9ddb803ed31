"""FHIR DSTU2 and STU3, which are not read, and by what they are known.

Some of their members turn a record around (`notGiven`, `taken`), and R4 does not know them: read as R4 such a record
would be a dose that was never given. The resources of R4 therefore refuse these members.
"""

from __future__ import annotations

import re

TYPES = frozenset({"MedicationOrder", "ProcedureRequest", "DiagnosticOrder", "ReferralRequest"})
"""Types of resources that were renamed for R4."""

REASON = "is of an older FHIR version than R4: ask for R4 or R5"

_MEMBERS = (
    *("patient", "taken", "wasNotTaken", "notGiven", "wasNotGiven", "notDone", "notPerformed"),
    *("effectiveTimeDateTime", "effectiveTimePeriod", "clinicalStatus", "verificationStatus", "class"),
)
_REFUSED = re.compile(rf"got `(?:str|bool|object)` - at `\$\.(?:{'|'.join(_MEMBERS)})`$")


def is_older(error: Exception) -> bool:
    """Whether what stands in the way of decoding a resource as R4 is how older versions write it."""
    return _REFUSED.search(str(error)) is not None
