# handoff. `make` builds both widths into build/x64 and build/x86; `make demo` and `make test` also fetch what they need
# into build/deps (tests/setup.sh). On Debian it cross-builds and runs under Wine, in an MSYS2 shell everything is native.

.PHONY: all install dist sign clean
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

PROGRAMS := handoff.exe handoffw.exe handoff-launcher.exe libhandoff.a handoff.dll libhandoff.dll.a handoff.lib
all: $(PROGRAMS:%=build/x64/%) $(PROGRAMS:%=build/x86/%)

# Written once, in handoff.h; Windows wants it as four numbers.
VERSION := $(shell sed -n 's/^\#define HANDOFF_VERSION "\(.*\)"/\1/p' parent/handoff.h)
comma := ,
space := $() $()
VERSION-NUMBERS := $(subst $(space),$(comma),$(wordlist 1,4,$(subst ., ,$(VERSION)) 0 0 0))

# --- tools -------------------------------------------------------------------------------

CROSS-x64 := x86_64-w64-mingw32-
CROSS-x86 := i686-w64-mingw32-
ifeq ($(OS),Windows_NT)
# Each toolchain finds its own DLLs only by PATH, and its binutils have no prefix.
BINUTILS-x64 := PATH="/mingw64/bin:$$PATH" #
BINUTILS-x86 := PATH="/mingw32/bin:$$PATH" #
CROSS-x64 := $(BINUTILS-x64)$(CROSS-x64)
CROSS-x86 := $(BINUTILS-x86)$(CROSS-x86)
LLVM-DLLTOOL := $(BINUTILS-x64)llvm-dlltool
else
BINUTILS-x64 := $(CROSS-x64)
BINUTILS-x86 := $(CROSS-x86)
LLVM-DLLTOOL := llvm-dlltool
endif

width = $(word 2,$(subst /, ,$@))
CC = $(CROSS-$(width))gcc
AR = $(CROSS-$(width))gcc-ar
OBJCOPY = $(BINUTILS-$(width))objcopy
NM = $(CROSS-$(width))gcc-nm
WINDRES = $(BINUTILS-$(width))windres
DLLTOOL = $(BINUTILS-$(width))dlltool

# --- flags -------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror
CPPFLAGS := -D_WIN32_WINNT=0x0601 -DWINVER=0x0601 -DUNICODE -D_UNICODE -DWIN32_LEAN_AND_MEAN \
            -Icommon -Iparent -Ilauncher/engine -Ilauncher/prefix
CFLAGS := -std=c11 -O2 -g -ffile-prefix-map=$(CURDIR)=. $(WARNINGS)
LDFLAGS := -static -Wl,--no-insert-timestamp

# The programs have no C runtime, only kernel32.dll, and start on every Windows since XP.
BARE-CFLAGS = -std=c11 -Oz -flto $(WARNINGS) -ffreestanding -fno-tree-loop-distribute-patterns -fno-stack-protector \
              -fno-ident -fno-shrink-wrap -fno-move-loop-invariants $(BARE-CFLAGS-$(width))
# Windows keeps no more of the stack's alignment in 32-bit programs, and unwinds them without tables.
BARE-CFLAGS-x86 := -fno-asynchronous-unwind-tables -mpreferred-stack-boundary=2 -fno-inline-functions-called-once
# Each function costs 24 bytes of tables there.
BARE-CFLAGS-x64 := -fasynchronous-unwind-tables -fno-caller-saves -fno-thread-jumps -fno-tree-sra \
                   -fno-tree-tail-merge -fno-optimize-sibling-calls
BARE-LDFLAGS := -nostdlib -nostartfiles -s -Wl,--gc-sections,--no-insert-timestamp,--dynamicbase,--nxcompat,--tsaware
BARE-ENTRY-x64 := -Wl,-e,program_start
BARE-ENTRY-x86 := -Wl,-e,_program_start@0
windows-5 = --major-os-version=5,--minor-os-version=$1,--major-subsystem-version=5,--minor-subsystem-version=$1
BARE-LDFLAGS-x64 := $(BARE-ENTRY-x64) -Wl,--high-entropy-va,$(call windows-5,2)
BARE-LDFLAGS-x86 := $(BARE-ENTRY-x86) -Wl,--no-seh,$(call windows-5,1)
BARE-LIBS := -lkernel32 -lgcc

# --- sources -----------------------------------------------------------------------------

# A program is what lies in its folder, and what it calls of launcher/engine and of common/*.c: so it imports nothing for
# others. The % in these lists of objects stands for the width.
objects = $(patsubst %.c,build/\%/%.o,$(wildcard $1))
bare = $(patsubst %.c,build/\%/bare/%.o,$(wildcard $1 common/bare/*.c)) $2 build/%/bare/libcommon.a
COMMON := $(call objects,common/*.c)
LIBRARY := $(call objects,parent/*.c common/*.c)
DLL := $(call bare,parent/*.c parent/dll/*.c)
HANDOFF := $(call bare,launcher/prefix/*.c,build/%/bare/libengine.a)
LAUNCHER := $(call bare,launcher/broker/*.c,build/%/bare/libengine.a)

# --- compiling ---------------------------------------------------------------------------

define compile
@mkdir -p $(@D)
$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
endef

build/x64/bare/%.o build/x86/bare/%.o: CFLAGS = $(BARE-CFLAGS)
build/x64/%.o: %.c Makefile | build/deps/compilers
	$(compile)
build/x86/%.o: %.c Makefile | build/deps/compilers
	$(compile)
build/x64/bare/%.o: %.c Makefile | build/deps/compilers
	$(compile)
build/x86/bare/%.o: %.c Makefile | build/deps/compilers
	$(compile)

-include $(shell find build/x64 build/x86 -name '*.d' 2>/dev/null)

# --- products ----------------------------------------------------------------------------

both = build/x64/$1 build/x86/$1

define link-bare
$(CC) $(BARE-CFLAGS) $(BARE-LDFLAGS) $(BARE-LDFLAGS-$(width)) $1 -o $@ $(filter %.o %.a %.res,$^) $(BARE-LIBS)
endef

# What Windows reads out of each file: see common/file.rc.
BARE-PROGRAMS := handoff.exe handoffw.exe handoff-launcher.exe handoff.dll
DESCRIPTION-handoff.exe := handoff
DESCRIPTION-handoffw.exe := handoff without a console
DESCRIPTION-handoff-launcher.exe := handoff launcher
DESCRIPTION-handoff.dll := handoff library
RESOURCE := -DFILE_TYPE=1 -DMANIFEST='"build/program.manifest"'
$(call both,handoff.dll.res): RESOURCE := -DFILE_TYPE=2
$(foreach p,$(BARE-PROGRAMS),$(call both,$p.res)): build/%.res: common/file.rc build/program.manifest parent/handoff.h \
                                                   Makefile | build/deps/compilers
	@mkdir -p $(@D)
	$(CC) -E -P -xc -DFILE_NAME='"$(*F)"' -DFILE_DESCRIPTION='"$(DESCRIPTION-$(*F))"' -DVERSION='"$(VERSION)"' \
	    -DVERSION_NUMBERS=$(VERSION-NUMBERS) $(RESOURCE) $< | $(WINDRES) -J rc -O coff -o $@

build/program.manifest: common/program.manifest
	@mkdir -p $(@D)
	sed 's/^ *//' $< | tr -d '\n' >$@

$(foreach p,$(BARE-PROGRAMS),$(call both,$p)): build/%: build/%.res

$(call both,handoff.exe): build/%/handoff.exe: $(HANDOFF)
	$(call link-bare,-mconsole)

$(call both,handoffw.exe): build/%/handoffw.exe: $(HANDOFF)
	$(call link-bare,-mwindows)

$(call both,handoff-launcher.exe): build/%/handoff-launcher.exe: $(LAUNCHER) launcher/broker/launcher.ld
	$(call link-bare,-mconsole -Wl$(comma)-T$(comma)launcher/broker/launcher.ld)

# One object whose only global names are the library's own, so that none of its inner ones can meet a name of the program
# that links it. The mark says that it has no exception handler to register: else Microsoft's linker, whose default is
# /SAFESEH, makes no 32-bit program with it.
SAFE-SEH-x86 := --add-symbol @feat.00=1,local
$(call both,libhandoff.a): build/%/libhandoff.a: $(LIBRARY)
	rm -f $@
	$(CC) -r -nostdlib -o $(@D)/libhandoff.o $^
	$(OBJCOPY) --wildcard --keep-global-symbol '*handoff_*' $(SAFE-SEH-$(width)) $(@D)/libhandoff.o
	$(AR) rcsD $@ $(@D)/libhandoff.o

BARE-ENTRY-x64-dll := -Wl,-e,dll_start
BARE-ENTRY-x86-dll := -Wl,-e,_dll_start@12
$(call both,handoff.dll): build/%/handoff.dll: $(DLL) build/%/handoff.def
	$(call link-bare,-shared $(BARE-ENTRY-$(width)-dll) -Wl$(comma)--kill-at $(@D)/handoff.def)

# The names in the DLL have no decoration; in 32-bit objects they end with the size of their arguments.
UNDECORATED-x64 := s/@[0-9]*$$//
$(call both,handoff.def): parent/dll/handoff.def
	@mkdir -p $(@D)
	sed '$(UNDECORATED-$(width))' $< >$@

# Import libraries, for GNU linkers and for Microsoft's, which takes the former but drops parts of it as unused.
MACHINE-x64 := i386:x86-64
MACHINE-x86 := i386
$(call both,libhandoff.dll.a): build/%/libhandoff.dll.a: build/%/handoff.def
	$(DLLTOOL) --kill-at --deterministic-libraries -d $< -D handoff.dll -l $@
$(call both,handoff.lib): build/%/handoff.lib: build/%/handoff.def
	$(LLVM-DLLTOOL) -k -m $(MACHINE-$(width)) -d $< -D handoff.dll -l $@

$(call both,bare/libcommon.a): build/%/bare/libcommon.a: $(patsubst %.c,build/\%/bare/%.o,$(wildcard common/*.c))
$(call both,bare/libengine.a): build/%/bare/libengine.a: $(patsubst %.c,build/\%/bare/%.o,$(wildcard launcher/engine/*.c))
$(call both,libcommon.a): build/%/libcommon.a: $(COMMON)
$(call both,bare/libcommon.a) $(call both,bare/libengine.a) $(call both,libcommon.a):
	rm -f $@
	$(AR) rcsD $@ $^

# --- getting it ----------------------------------------------------------------------------

# DESTDIR is put before PREFIX, which the installed files do not mention: the tree may be moved.
PREFIX := /usr/local
prefix = $(DESTDIR)$(PREFIX)
WIDTHS := x64 x86
# The READMEs, and what they name.
DOCUMENTS := README.md launcher/README.md parent/README.md tests/README.md tests/bench/README.md tests/bench/bench.svg \
             parent/handoff.h $(wildcard tests/recipes/*.bat tests/languages/*)
# A child may build in parent/taker/taker.c: that and all that it includes.
TAKER = $(shell $(CROSS-x64)gcc -Iparent -Icommon -MM parent/taker/taker.c | tr -d '\\\n' | cut -d : -f 2 | \
                xargs realpath --relative-to=. | sort -u)
fill-in = sed 's/@VERSION@/$(VERSION)/; s/@WIDTH@/$1/'

# The part for those who build programs: $1 is where.
define install-sdk
install -d $(1)/include $(1)/lib/cmake/handoff $(WIDTHS:%=$(1)/bin/%) $(WIDTHS:%=$(1)/lib/%/pkgconfig)
install -m 644 parent/handoff.h $(1)/include
install -m 644 parent/package/handoff-config.cmake $(1)/lib/cmake/handoff
$(call fill-in) parent/package/handoff-config-version.cmake.in >$(1)/lib/cmake/handoff/handoff-config-version.cmake
for width in $(WIDTHS); do \
    install $(addprefix build/$$width/,handoff-launcher.exe handoff.dll) $(1)/bin/$$width && \
    install -m 644 $(addprefix build/$$width/,libhandoff.a libhandoff.dll.a handoff.lib) $(1)/lib/$$width && \
    $(call fill-in,'$$width') parent/package/handoff.pc.in >$(1)/lib/$$width/pkgconfig/handoff.pc || exit; \
done
endef

define install-documents
for document in $(DOCUMENTS) $(TAKER); do install -D -m 644 $$document $(1)/$$document || exit; done
endef

install: all
	$(call install-sdk,$(prefix))
	for width in $(WIDTHS); do \
	    install $(addprefix build/$$width/,handoff.exe handoffw.exe) $(prefix)/bin/$$width || exit; \
	done
	$(call install-documents,$(prefix)/share/doc/handoff)

# Times and order are always the same, and so is the archive.
DIST := handoff-$(VERSION)-windows
dist: all
	rm -rf build/dist build/$(DIST).zip
	$(call install-sdk,build/dist/$(DIST)/sdk)
	for width in $(WIDTHS); do \
	    install -d build/dist/$(DIST)/$$width && \
	    install $(addprefix build/$$width/,handoff.exe handoffw.exe) build/dist/$(DIST)/$$width || exit; \
	done
	$(call install-documents,build/dist/$(DIST))
	cd build/dist/$(DIST) && find * -type f | LC_ALL=C sort | xargs sha256sum >../SHA256SUMS && mv ../SHA256SUMS .
	cd build/dist && chmod -R u=rwX,go=rX $(DIST) && find $(DIST) -exec touch -d '1980-01-01 00:00:00 UTC' {} + && \
	    find $(DIST) -type f | LC_ALL=C sort | TZ=UTC zip -X -9 -q ../$(DIST).zip -@

# `make sign SIGN="signtool sign /fd SHA256 /a"`, then `make dist`: over each file that Windows runs.
SIGN = $(error Say with SIGN="..." what signs a file whose name follows)
sign: all
	for file in $(foreach p,$(BARE-PROGRAMS),$(call both,$p)); do $(SIGN) $$file || exit; done

build/deps/compilers: tests/setup.sh
	tests/setup.sh compilers

# Keeps build/deps and build/wine, which take minutes to make; `rm -rf build` removes all.
clean:
	rm -rf build/x64 build/x86

# Tests, measurements and analysis.
include tests/tests.mk
