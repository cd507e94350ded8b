# Faults at every system call: tests/fault/inject.sh kills, or fails, the n-th call of each kind, for every n.
# Power loss: power_disk.h, a number of seeds per story (1,490 in all).
set(seeds_log_append 500)
set(seeds_log_create 250)
set(seeds_blob_put 250)
set(seeds_blob_partial 150)
set(seeds_member_create 100)
set(seeds_sealed_append 100)
set(seeds_views 60)
set(seeds_views_mend 80)
add_library(fault_power OBJECT ${CMAKE_CURRENT_LIST_DIR}/power.cc ${CMAKE_CURRENT_LIST_DIR}/power_disk.cc)
target_link_libraries(fault_power PRIVATE hz_base)
if(EXISTS /dev/shm)
  set(scratch TMPDIR=/dev/shm)  # thousands of folders are made and removed
endif()
foreach(program log_append log_create log_publish log_mirror log_witness blob_put blob_partial member_create sealed_append views views_mend)
  add_executable(fault_${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.cc)
  target_link_libraries(fault_${program} PRIVATE fault_power hz_log hz_blob hz_pool)
  string(REGEX REPLACE "^log_" "" story ${program})
  if(DEFINED seeds_${program})
    add_test(NAME fault.${story}.power COMMAND fault_${program} power ${seeds_${program}})
    set_tests_properties(fault.${story}.power PROPERTIES LABELS fault TIMEOUT 300 ENVIRONMENT "${scratch}")
  endif()
  set(faults kill eio enospc)
  if(story STREQUAL views)
    set(faults)  # may be thrown away at any time; what is new is that a power cut is no reason to
  elseif(story STREQUAL views_mend)
    set(faults)  # `inject.sh fault_views_mend kill` by hand: 36 s for about 400 calls
  endif()
  foreach(fault ${faults})
    add_test(NAME fault.${story}.${fault}
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/inject.sh $<TARGET_FILE:fault_${program}> ${fault})
    set_tests_properties(fault.${story}.${fault} PROPERTIES LABELS fault SKIP_RETURN_CODE 77 TIMEOUT 600
                         ENVIRONMENT "${scratch}")
  endforeach()
endforeach()
