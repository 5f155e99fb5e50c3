"""What a page says, for tests without a browser."""

import re
from html import unescape

import httpx


def text_of(reply: httpx.Response) -> str:
    """What a page says, without its tags and line breaks."""
    body = re.sub(r"<(head|svg).*?</\1>|</?(time|strong|a|span)\b[^>]*>", "", reply.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body))).replace("\xa0", " ")
