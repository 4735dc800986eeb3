"""Writes files into a folder that, like their functions, have sizes around the limits of utils/check-sizes."""

import pathlib
import sys

STATEMENT = '  call("}", \'}\', 1\'000); // }\n'


def function(signature, lines):
    """A definition of `lines` lines, with braces of code, and with braces in literals and comments, which do not count."""
    head = signature + " {\n  auto lambda = [](int i) {\n    return i;\n  };\n"
    return head + STATEMENT * (lines - head.count("\n") - 1) + "}\n"


FUNCTIONS = [
    "namespace {\n",
    "\n",
    function("static int Outer::tooLong(int argument,\n                          int another = 0)", 81),
    function("int justRight(int argument)", 80),
    function("bool operator==(const A &left, const A &right)", 90),
    "struct Large : Base<int(char)> {\n" + function("int inlineMember() const override", 85),
    "  int first;\n" * 100,
    "};\n",
    "const int table[] = {\n" + "  f(1),\n" * 100 + "};\n",
    "#define BRACE {\n",
    "/* { */ const char *text = R\"x({ \" {)x\";\n",
    "} // namespace\n",
    function("void waived()", 99),
]

folder = pathlib.Path(sys.argv[1])
(folder / "lib").mkdir()
(folder / "include").mkdir()
(folder / "utils").mkdir()
(folder / "lib/Functions.cpp").write_text("".join(FUNCTIONS))
(folder / "lib/Long.td").write_text("\n" * 601)
(folder / "include/JustRight.h").write_text("\n" * 600)
(folder / "utils/size-waivers.txt").write_text("lib/Functions.cpp:waived # until it is split\nlib/Gone.cpp\n")
