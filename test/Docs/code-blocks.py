"""Prints the code blocks of a language in a Markdown page, one after the other: code-blocks.py PAGE LANGUAGE."""

import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(rf"^```{sys.argv[2]}\n(.*?)^```$", text, re.M | re.S)
assert blocks, f"{sys.argv[1]} shows no {sys.argv[2]}"
print("\n".join(blocks))
