# Run by CPack between staging and packing (CPACK_PRE_BUILD_SCRIPTS): a changelog for each package,
# documents compressed, archives without debug information and without what only our compiler's
# LTO reads, and time stamps that depend on nothing but $SOURCE_DATE_EPOCH.
set(epoch $ENV{SOURCE_DATE_EPOCH})
if(NOT epoch)
  string(TIMESTAMP epoch "%s" UTC)
endif()
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code ERROR_VARIABLE error OUTPUT_QUIET)
  if(NOT code EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}: ${error}")
  endif()
endfunction()
execute_process(COMMAND date -R -u -d @${epoch} OUTPUT_VARIABLE date
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

foreach(component ${CPACK_COMPONENTS_ALL})
  set(stage ${CPACK_TEMPORARY_DIRECTORY}/${component})
  set(doc ${stage}/usr/share/doc/${component})
  file(WRITE ${doc}/changelog "${component} (${CPACK_DEBIAN_PACKAGE_VERSION}) unstable; urgency=medium

  * Release ${CPACK_PACKAGE_VERSION}; CHANGELOG.md in the package downwardfs says what is new.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}
")
  file(GLOB compressed ${stage}/usr/share/man/man*/*.[1-8] ${doc}/changelog)
  run(gzip -9 --no-name --force ${compressed})
  file(GLOB_RECURSE archives ${stage}/usr/lib/*.a)
  foreach(archive ${archives})
    run(${CPACK_DOWNWARDFS_STRIP} --strip-debug --enable-deterministic-archives
        --remove-section=.comment --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_*
        --strip-symbol=__gnu_lto_slim --strip-symbol=__gnu_lto_v1 ${archive})
  endforeach()
  run(find ${stage} -exec touch --no-dereference --date=@${epoch} {} +)
endforeach()
