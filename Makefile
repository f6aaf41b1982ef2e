# handoff.  `make` builds both widths into build/x64 and build/x86; `make demo` and
# `make test` also fetch what they need into build/deps (tests/setup.sh).
# On Debian it cross-builds and runs under Wine, in an MSYS2 shell everything is native.

.PHONY: all install dist sign demo test test-x86 test-elsewhere languages campaign bench fuzz lint clean
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

# That all is there for the tests, for this value of HANDOFF_X86: see tests/setup.sh.
READY := build/deps/ready-$(or $(HANDOFF_X86),native)

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
CHECK-x64 := /mingw64
SUITE-WIDTHS := x64
else
BINUTILS-x64 := $(CROSS-x64)
BINUTILS-x86 := $(CROSS-x86)
LLVM-DLLTOOL := llvm-dlltool
FUZZER := build/fuzz build/header
CHECK-x64 := build/deps/check-x64
CHECK-x86 := build/deps/check-x86
SUITE-WIDTHS := x64 x86
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
            -Icommon -Iparent -Ilauncher/engine -Ilauncher/prefix -Itests/support
CFLAGS := -std=c11 -O2 -g -ffile-prefix-map=$(CURDIR)=. $(WARNINGS)
LDFLAGS := -static -Wl,--no-insert-timestamp

# The programs have no C runtime, only kernel32.dll, and start on every Windows since XP.
BARE-CFLAGS = -std=c11 -Oz -flto $(WARNINGS) -ffreestanding -fno-tree-loop-distribute-patterns \
               -fno-stack-protector -fno-ident \
               -fno-shrink-wrap -fno-move-loop-invariants $(BARE-CFLAGS-$(width))
# Windows keeps no more of the stack's alignment in 32-bit programs, and unwinds them without tables.
BARE-CFLAGS-x86 := -fno-asynchronous-unwind-tables -mpreferred-stack-boundary=2 -fno-inline-functions-called-once
# Each function costs 24 bytes of tables there.
BARE-CFLAGS-x64 := -fasynchronous-unwind-tables -fno-caller-saves -fno-thread-jumps -fno-tree-sra \
                   -fno-tree-tail-merge -fno-optimize-sibling-calls
BARE-LDFLAGS := -nostdlib -nostartfiles -s \
                -Wl,--gc-sections,--no-insert-timestamp,--dynamicbase,--nxcompat,--tsaware,--major-os-version=5
BARE-ENTRY-x64 := -Wl,-e,program_start
BARE-ENTRY-x86 := -Wl,-e,_program_start@0
BARE-LDFLAGS-x64 := $(BARE-ENTRY-x64) -Wl,--high-entropy-va,--major-subsystem-version=5,--minor-subsystem-version=2,--minor-os-version=2
BARE-LDFLAGS-x86 := $(BARE-ENTRY-x86) -Wl,--no-seh,--major-subsystem-version=5,--minor-subsystem-version=1,--minor-os-version=1
BARE-LIBS := -lkernel32 -lgcc

CHECK-CPPFLAGS = -isystem $(CHECK-$(width))/include
CHECK-LIBS = -L$(CHECK-$(width))/lib -lcheck -lpthread

# --- sources -----------------------------------------------------------------------------

# A program is what lies in its folder, on the engine (launcher/engine) or not, and what it needs of what all share
# (common/*.c): so it imports nothing for others. The % in these lists of objects stands for the width.
objects = $(patsubst %.c,build/\%/%.o,$(wildcard $1))
bare = $(patsubst %.c,build/\%/bare/%.o,$(wildcard $1 common/bare/*.c)) build/%/bare/libcommon.a
COMMON := $(call objects,common/*.c)
LIBRARY := $(call objects,parent/*.c common/*.c)
DLL := $(call bare,parent/*.c parent/dll/*.c)
HANDOFF := $(call bare,launcher/engine/*.c launcher/prefix/*.c)
LAUNCHER := $(call bare,launcher/engine/*.c launcher/broker/*.c)
HARNESS := $(call objects,tests/support/harness.c)

# --- compiling ---------------------------------------------------------------------------

define compile
@mkdir -p $(@D)
$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
endef

define compile-bare
@mkdir -p $(@D)
$(CC) $(CPPFLAGS) $(BARE-CFLAGS) -MMD -MP -c -o $@ $<
endef

build/x64/%.o: %.c Makefile | build/deps/compilers
	$(compile)
build/x86/%.o: %.c Makefile | build/deps/compilers
	$(compile)
build/x64/bare/%.o: %.c Makefile | build/deps/compilers
	$(compile-bare)
build/x86/bare/%.o: %.c Makefile | build/deps/compilers
	$(compile-bare)

# Only what includes <check.h> waits for Check.
CHECKED := $(wildcard tests/support/*.c tests/unit/*.c tests/system/*.c tests/calls/main.c tests/calls/rounds.c)
$(foreach w,x64 x86,$(CHECKED:%.c=build/$w/%.o)): CPPFLAGS += $(CHECK-CPPFLAGS)
$(foreach w,x64 x86,$(CHECKED:%.c=build/$w/%.o)): | $(READY)

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

# One object whose only global names are the library's own, so that none of its inner ones can
# meet a name of the program that links it. The mark says that it has no exception handler to register: without it no
# 32-bit program of Microsoft's linker may use it, whose default is /SAFESEH.
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
build/x64/handoff.def: parent/dll/handoff.def
	@mkdir -p $(@D)
	sed 's/@[0-9]*$$//' $< >$@
build/x86/handoff.def: parent/dll/handoff.def
	@mkdir -p $(@D)
	cp $< $@

# Import libraries, for GNU linkers and for Microsoft's, which takes the former but drops parts of it as unused.
MACHINE-x64 := i386:x86-64
MACHINE-x86 := i386
$(call both,libhandoff.dll.a): build/%/libhandoff.dll.a: build/%/handoff.def
	$(DLLTOOL) --kill-at --deterministic-libraries -d $< -D handoff.dll -l $@
$(call both,handoff.lib): build/%/handoff.lib: build/%/handoff.def
	$(LLVM-DLLTOOL) -k -m $(MACHINE-$(width)) -d $< -D handoff.dll -l $@

$(call both,bare/libcommon.a): build/%/bare/libcommon.a: $(patsubst %.c,build/\%/bare/%.o,$(wildcard common/*.c))
$(call both,libcommon.a): build/%/libcommon.a: $(COMMON)
$(call both,bare/libcommon.a) $(call both,libcommon.a):
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

# --- tests -------------------------------------------------------------------------------

$(call both,child.exe): build/%/child.exe: build/%/tests/children/child.o
	$(CC) $(LDFLAGS) -o $@ $^ -lws2_32

# No console program, because Windows would make a console for each where there is none.
$(call both,descriptor-child.exe): build/%/descriptor-child.exe: build/%/tests/children/descriptor_child.o
	$(CC) $(LDFLAGS) -mwindows -o $@ $^

$(call both,taking-child.exe): build/%/taking-child.exe: build/%/tests/children/taking_child.o build/%/parent/taker/taker.o
	$(CC) $(LDFLAGS) -municode -o $@ $^

$(call both,spawning.dll): build/%/spawning.dll: build/%/tests/children/spawning.o build/%/libhandoff.a
	$(CC) $(LDFLAGS) -shared -o $@ $^

$(call both,faulty-launcher.exe): build/%/faulty-launcher.exe: build/%/tests/faulty/faulty_launcher.o build/%/libcommon.a
	$(CC) $(LDFLAGS) -o $@ $^

# The rest of the prefix as it is.
$(call both,faulty-prefix.exe): build/%/faulty-prefix.exe: build/%/tests/faulty/faulty_prefix.o \
                          $(filter-out %/console.o %/job.o %/library.o %/open.o %/parent.o %/relay.o, \
                            $(call objects,launcher/prefix/*.c)) build/%/libcommon.a
	$(CC) $(LDFLAGS) -nostartfiles $(BARE-ENTRY-$(width)) -o $@ $^

$(call both,faulty-parent.exe): build/%/faulty-parent.exe: build/%/tests/faulty/faulty_parent.o \
                              $(call objects,parent/createprocess.c parent/exepath.c parent/identity.c parent/standing.c) \
                              build/%/libcommon.a
	$(CC) $(LDFLAGS) -municode -o $@ $^

$(call both,unit.exe): build/%/unit.exe: $(call objects,tests/unit/*.c launcher/prefix/options.c parent/ansi.c) $(HARNESS) \
                          build/%/libcommon.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CHECK-LIBS)

$(call both,system.exe): build/%/system.exe: $(call objects,tests/system/*.c tests/support/*.c) build/%/libhandoff.a build/%/libcommon.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CHECK-LIBS) -lws2_32

# The library and the launcher again, with other names for all that they import: see tests/calls/counted.h.
# Functions of Windows are imported, or begin with a capital; others are the compiler's.
define redirect
$(CC) -r -nostdlib -o $@ $^
$(NM) -u $@ | awk '{ name = $$2; sub(/@[0-9]+$$/, "", name) } \
    sub(/^__imp__?/, "", name) { print $$2, "counted_imp_" name; next } \
    name ~ /^_?[A-Z]/ { sub(/^_/, "", name); print $$2, "counted_" name }' >$@.names
$(OBJCOPY) --redefine-syms=$@.names $@
endef
$(call both,calls/library.o): build/%/calls/library.o: $(LIBRARY)
	@mkdir -p $(@D)
	$(redirect)
	$(OBJCOPY) --wildcard --keep-global-symbol '*handoff_*' $@
$(call both,calls/launcher.o): build/%/calls/launcher.o: $(call objects,launcher/engine/*.c launcher/broker/*.c common/*.c)
	@mkdir -p $(@D)
	$(redirect)
$(call both,calls/prefix.o): build/%/calls/prefix.o: $(call objects,launcher/engine/*.c launcher/prefix/*.c common/*.c)
	@mkdir -p $(@D)
	$(redirect)

$(call both,calls-launcher.exe) $(call both,calls-prefix.exe): build/%.exe:
	$(CC) $(LDFLAGS) -nostartfiles $(BARE-ENTRY-$(width)) -o $@ $^ -lntdll
$(call both,calls-launcher.exe): build/%/calls-launcher.exe: build/%/calls/launcher.o
$(call both,calls-prefix.exe): build/%/calls-prefix.exe: build/%/calls/prefix.o
$(call both,calls-launcher.exe): build/%/calls-launcher.exe: build/%/tests/calls/counted.o build/%/tests/calls/program.o
$(call both,calls-prefix.exe): build/%/calls-prefix.exe: build/%/tests/calls/counted.o build/%/tests/calls/program.o

$(call both,calls.exe): build/%/calls.exe: $(call objects,tests/calls/main.c tests/calls/rounds.c tests/calls/counted.c \
                            tests/support/system.c) $(HARNESS) build/%/calls/library.o
	$(CC) $(LDFLAGS) -o $@ $^ $(CHECK-LIBS) -lws2_32 -lntdll

$(call both,changing-parent.exe): build/%/changing-parent.exe: build/%/tests/children/changing_parent.o build/%/libhandoff.a
	$(CC) $(LDFLAGS) -municode -o $@ $^

HELPERS := child.exe descriptor-child.exe taking-child.exe changing-parent.exe faulty-launcher.exe faulty-parent.exe \
           faulty-prefix.exe spawning.dll calls-launcher.exe calls-prefix.exe
CAMPAIGN-PROGRAMS := campaign.exe campaign-child.exe bench-nothing.exe bench-count.exe
CAMPAIGN-TEST := $(CAMPAIGN-PROGRAMS:%=build/x64/%) $(CAMPAIGN-PROGRAMS:%=build/x86/%)
SUITES := $(foreach suite,unit calls system,$(SUITE-WIDTHS:%=build/%/$(suite).exe))
TESTED := all $(HELPERS:%=build/x64/%) $(HELPERS:%=build/x86/%) $(SUITES) $(CAMPAIGN-TEST) $(READY)

test: $(TESTED) $(FUZZER)
	tests/run.sh

# All tests of the 32-bit suites, also where 32-bit code is emulated and `make test` runs some.
test-x86: $(TESTED)
	tests/run.sh --x86

# The suites in another system's Wine, as root: `make test-elsewhere DIR=/var/tmp/trixie`, which is made if it is missing.
test-elsewhere: $(TESTED) build/deps/elsewhere
	tests/scripts/elsewhere.sh $(DIR)

build/deps/elsewhere: tests/setup.sh
	tests/setup.sh elsewhere

# Parents in other languages.
languages: all $(READY) build/deps/languages
	tests/scripts/languages.sh

$(call both,demo-parent.exe): build/%/demo-parent.exe: build/%/tests/demo/parent.o build/%/libhandoff.a
	$(CC) $(LDFLAGS) -municode -o $@ $^

demo: all build/x64/demo-parent.exe $(READY)
	tests/run.sh cmd /c tests\\demo\\demo.bat

# --- children without a C runtime, and campaigns ------------------------------------------

CHILD-ENTRY-x64 := child_start
CHILD-ENTRY-x86 := _child_start@0
BENCH-CHILDREN := bench-nothing.exe bench-count.exe
BARE-CHILDREN := $(BENCH-CHILDREN) campaign-child.exe
$(call both,bench-nothing.exe): build/%/bench-nothing.exe: build/%/bare/tests/bench/nothing.o
$(call both,bench-count.exe): build/%/bench-count.exe: build/%/bare/tests/bench/count.o
$(call both,campaign-child.exe): build/%/campaign-child.exe: build/%/bare/tests/campaign/child.o
$(foreach c,$(BARE-CHILDREN),$(call both,$c)):
	$(CC) $(BARE-CFLAGS) -nostdlib -nostartfiles -s -Wl,-e,$(CHILD-ENTRY-$(width)),--subsystem,console -o $@ $^ $(BARE-LIBS)

# Its other ways to start children are the benchmark's.
CAMPAIGN-SOURCES := $(filter-out %/child.c,$(wildcard tests/campaign/*.c)) \
                    $(addprefix tests/bench/,ways.c figures.c process.c)
$(call both,campaign.exe): build/%/campaign.exe: $(call objects,$(CAMPAIGN-SOURCES)) build/%/libhandoff.a
	$(CC) $(LDFLAGS) -o $@ $^

# `make campaign CAMPAIGN="soak=5000 leaks"` does less: a size each, or the small one of `make test`. In full it writes what
# it counted into tests/bench/README.md.
CAMPAIGN := full
campaign: $(CAMPAIGN-PROGRAMS:%=build/x64/%) $(addprefix build/x64/,handoff-launcher.exe handoff.exe faulty-launcher.exe) \
          build/x86/handoff-launcher.exe $(READY)
	tests/campaign/campaign.sh $(CAMPAIGN)

# --- what a spawn costs --------------------------------------------------------------------

# `make bench BENCH="--seconds 60 latency leaks"` measures less; a whole run writes tests/bench/README.md and bench.svg.
BENCH :=

build/x64/bench.exe: $(patsubst %.c,build/x64/%.o,$(filter-out %/nothing.c %/count.c,$(wildcard tests/bench/*.c))) \
                     build/x64/libhandoff.a
	$(CC) $(LDFLAGS) -o $@ $^

bench: $(addprefix build/x64/,bench.exe $(BENCH-CHILDREN) handoff-launcher.exe handoff.exe handoffw.exe) $(READY)
	tests/bench/bench.sh $(BENCH)

# --- analysis, on the host -----------------------------------------------------------------

PURE := $(addprefix common/,cmdline.c environment.c fdblock.c request.c text.c token.c wire.c) launcher/prefix/options.c
FUZZ-SECONDS := 300

build/fuzz: tests/fuzz/fuzz.c $(PURE) $(wildcard common/*.h launcher/prefix/options.h) Makefile | build/deps/fuzzing
	clang -std=c11 -g -O1 -fshort-wchar -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -Icommon -Ilauncher/prefix -o $@ tests/fuzz/fuzz.c $(PURE)

# handoff.h, by itself, in every language that a caller may write in, for GNU's and for Microsoft's compilers. Windows'
# headers are mingw's, which for Microsoft's target want to be told that the compiler knows GNU's attributes, too, and
# which processor it is.
HEADER-CHECK := -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iparent -isystem /usr/share/mingw-w64/include
HEADER-CHECK-msvc := -fms-extensions -fgnuc-version=4.2.1
build/header: parent/handoff.h Makefile | build/deps/fuzzing
	@mkdir -p build
	echo '#include "handoff.h"' >$@.c
	set -e; check() { \
	    for standard in c11 c17; do clang "$$@" -x c -std=$$standard $(HEADER-CHECK) $@.c; done; \
	    for standard in c++11 c++14 c++17 c++20; do \
	        clang "$$@" -x c++ -nostdinc++ -std=$$standard $(HEADER-CHECK) $@.c; \
	    done; \
	}; \
	check --target=x86_64-w64-mingw32; \
	check --target=i686-w64-mingw32; \
	check --target=x86_64-pc-windows-msvc $(HEADER-CHECK-msvc); \
	check --target=i686-pc-windows-msvc $(HEADER-CHECK-msvc) -D_X86_
	touch $@

# New inputs go to build/corpus; tests/fuzz/corpus is the part that is kept.
fuzz: build/fuzz
	mkdir -p build/corpus
	build/fuzz -max_total_time=$(FUZZ-SECONDS) -max_len=4096 -print_final_stats=1 build/corpus tests/fuzz/corpus

LINTED := $(wildcard common/*.c common/*/*.c launcher/*/*.c parent/*.c parent/dll/*.c)
LINT-CPPFLAGS := $(CPPFLAGS) -isystem /usr/share/mingw-w64/include
lint: all | build/deps/analysis
	clang-format --dry-run --Werror $(filter-out build/%,$(wildcard */*.[ch] */*/*.[ch]))
	clang-tidy --quiet $(LINTED) -- --target=x86_64-w64-mingw32 -std=c11 $(LINT-CPPFLAGS)
	clang-tidy --quiet $(LINTED) -- --target=i686-w64-mingw32 -std=c11 $(LINT-CPPFLAGS)
	cppcheck --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
	    --platform=win64 --error-exitcode=1 --quiet -Icommon -Iparent -Ilauncher/engine -Ilauncher/prefix $(LINTED)

# --- set-up ------------------------------------------------------------------------------

build/deps/compilers: tests/setup.sh
	tests/setup.sh compilers

build/deps/analysis: tests/setup.sh
	tests/setup.sh analysis

build/deps/fuzzing: tests/setup.sh
	tests/setup.sh fuzzing

build/deps/languages: tests/setup.sh
	tests/setup.sh languages

$(READY): build/deps/compilers
	tests/setup.sh

# Keeps build/deps and build/wine, which take minutes to make; `rm -rf build` removes all.
clean:
	rm -rf build/x64 build/x86
