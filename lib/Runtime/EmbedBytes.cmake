# cmake -DINPUT=file -DOUTPUT=file.cpp -DSYMBOL=name -P EmbedBytes.cmake
#
# Writes a C++ file with the bytes of INPUT as `SYMBOL` and `SYMBOL_size`.

file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "// Made by EmbedBytes.cmake.
#include <cstddef>
extern const unsigned char ${SYMBOL}[];
extern const size_t ${SYMBOL}_size;
alignas(16) const unsigned char ${SYMBOL}[] = {${bytes}};
const size_t ${SYMBOL}_size = ${size};
")
