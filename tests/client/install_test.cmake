# Installs the client package into a scratch directory and builds against it, as projects that know
# nothing of this tree: the examples by find_package, a program with a logger of its own by
# find_package and by pkg-config. SANITIZE: the flag of a library that was built with sanitizers.
set(prefix ${WORK_DIR}/prefix)
file(REMOVE_RECURSE ${WORK_DIR})
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT code EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}: ${code}\n${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()
function(build source)
  file(COPY ${source} DESTINATION ${WORK_DIR})
  cmake_path(GET source FILENAME name)
  run(${CMAKE_COMMAND} -S ${WORK_DIR}/${name} -B ${WORK_DIR}/${name}/build -G Ninja
      -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Debug
      -DCMAKE_CXX_FLAGS=${SANITIZE})
  run(${CMAKE_COMMAND} --build ${WORK_DIR}/${name}/build -j 2)
endfunction()
# Its own logger is untouched, and the library's two lines are where they belong.
function(check_own_logger program)
  execute_process(COMMAND ${program} ${WORK_DIR}/token
    RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE error)
  set(line "the file cannot be read any more, its last content stays in use file=[^\n]*token[^\n]*")
  if(NOT code EQUAL 0 OR
     NOT out MATCHES "^default logger: application\nown: mine\nsink: warning ${line}\n$" OR
     NOT error MATCHES "^20[^\n]* warning ${line}\n$")
    message(FATAL_ERROR "${program}: ${code}\n${out}\n${error}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix} --component libdownwardfs-client-dev)
build(${SOURCE_DIR}/docs/examples)
execute_process(COMMAND ${WORK_DIR}/examples/build/example_namespace
  RESULT_VARIABLE code ERROR_VARIABLE text)
if(NOT code EQUAL 2 OR NOT text MATCHES "usage: namespace NAME")
  message(FATAL_ERROR "example_namespace: ${code} ${text}")
endif()

build(${SOURCE_DIR}/tests/client/consumer)
check_own_logger(${WORK_DIR}/consumer/build/own_logger)

file(GLOB_RECURSE pc ${prefix}/*.pc)
cmake_path(GET pc PARENT_PATH pc_path)
set(ENV{PKG_CONFIG_PATH} ${pc_path})
run(pkg-config --cflags --libs libdownwardfs-client spdlog)
string(STRIP "${out}" flags)
separate_arguments(flags UNIX_COMMAND "${flags}")
run(${COMPILER} -std=c++20 ${SANITIZE} ${WORK_DIR}/consumer/own_logger.cc -o ${WORK_DIR}/by_pkg_config ${flags})
check_own_logger(${WORK_DIR}/by_pkg_config)

# The document's own lines.
file(READ ${SOURCE_DIR}/docs/client-library.md text)
string(REGEX MATCH "    downwardfs::SetLogSink\\([^\n]*\n(    [^\n]*\n)*" lines "${text}")
file(WRITE ${WORK_DIR}/documented.cc "#include <spdlog/spdlog.h>\n#include \"base/log.h\"\nint main() {\n${lines}\
  downwardfs::LogWarning(\"from the library\", {{\"key\", \"value\"}});\n}\n")
run(${COMPILER} -std=c++20 ${SANITIZE} ${WORK_DIR}/documented.cc -o ${WORK_DIR}/documented ${flags})
run(${WORK_DIR}/documented)
if(NOT out MATCHES "\\[warning\\] from the library key=\"value\"\n$")
  message(FATAL_ERROR "the sink of docs/client-library.md: ${out}")
endif()
