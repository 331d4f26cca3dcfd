# For the scripts that put files into a program: lac_embed(VAR FILE) sets VAR to the file's bytes
# as C character constants, each with its comma. As bytes, because CMake's lists and quoting would
# change semicolons and backslashes of a text.
function(lac_embed var file)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
    set(${var} "${bytes}" PARENT_SCOPE)
endfunction()
