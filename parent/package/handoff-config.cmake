# find_package(handoff): the library for the width that is compiled for.
#   handoff::handoff    static
#   handoff::dll        handoff.dll and its import library
#   handoff::launcher   handoff-launcher.exe, to be put beside the module with the library
get_filename_component(_handoff_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(_handoff_width x64)
else()
  set(_handoff_width x86)
endif()
if(MSVC)
  set(_handoff_import handoff.lib)
else()
  set(_handoff_import libhandoff.dll.a)
endif()

if(NOT TARGET handoff::handoff)
  add_library(handoff::handoff STATIC IMPORTED)
  set_target_properties(handoff::handoff PROPERTIES
    IMPORTED_LOCATION "${_handoff_prefix}/lib/${_handoff_width}/libhandoff.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_handoff_prefix}/include")

  add_library(handoff::dll SHARED IMPORTED)
  set_target_properties(handoff::dll PROPERTIES
    IMPORTED_LOCATION "${_handoff_prefix}/bin/${_handoff_width}/handoff.dll"
    IMPORTED_IMPLIB "${_handoff_prefix}/lib/${_handoff_width}/${_handoff_import}"
    INTERFACE_INCLUDE_DIRECTORIES "${_handoff_prefix}/include")

  add_executable(handoff::launcher IMPORTED)
  set_target_properties(handoff::launcher PROPERTIES
    IMPORTED_LOCATION "${_handoff_prefix}/bin/${_handoff_width}/handoff-launcher.exe")
endif()
unset(_handoff_prefix)
unset(_handoff_width)
unset(_handoff_import)
