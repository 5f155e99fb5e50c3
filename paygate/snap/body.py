"""A SNAP body and its hash: what is signed of it.

Source: SNAP BI technical and security standard v1.0.2, transaction signature.
"""

import hashlib
import re
from typing import Final

# A string that is never closed runs to the end, so that hostile bytes cannot make the search quadratic.
TOKENS: Final = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))|[ \t\r\n]+', re.DOTALL)


def minify(body: bytes) -> bytes:
    """Remove white space between JSON tokens, and nothing else.

    Lexical: order, escapes and number literals stay as they are. Parsing and writing again would turn
    2000.00 into 2000.0 and break the signature. Bytes that are no JSON come back without a complaint.
    """
    return TOKENS.sub(rb"\1", body)


def body_hash(body: bytes) -> str:
    """The lower-case hexadecimal SHA-256 of a body; a missing body is b""."""
    return hashlib.sha256(body).hexdigest()
