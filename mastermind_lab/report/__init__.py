"""One page that can be sent to somebody: a file that needs no kernel, no server and no network.

What a live view said to its page, and the scripts that show it, are in the file; in the kernel's place a
script answers from the decisions that are in it. Text from data is data on such a page, or escaped by who
gives it, and a policy in the file lets no script run but its own.
"""

from .page import Page, check_name, write_page

__all__ = ["Page", "check_name", "write_page"]
