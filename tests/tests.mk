# What tests, measures and analyses. The Makefile includes this: tools, flags, sources and products are there.

.PHONY: demo test test-x86 test-elsewhere languages campaign bench fuzz lint

# That all is there for the tests, for this value of HANDOFF_X86: see tests/setup.sh.
READY := build/deps/ready-$(or $(HANDOFF_X86),native)

ifeq ($(OS),Windows_NT)
CHECK-x64 := /mingw64
SUITE-WIDTHS := x64
else
FUZZER := build/fuzz build/header
CHECK-x64 := build/deps/check-x64
CHECK-x86 := build/deps/check-x86
SUITE-WIDTHS := x64 x86
endif

CHECK-CPPFLAGS = -isystem $(CHECK-$(width))/include
CHECK-LIBS = -L$(CHECK-$(width))/lib -lcheck -lpthread

build/x64/tests/%.o build/x86/tests/%.o build/x64/bare/tests/%.o build/x86/bare/tests/%.o: CPPFLAGS += -Itests/support

HARNESS := $(call objects,tests/support/harness.c)

# Only what includes <check.h> waits for Check.
SYSTEM := tests/system/*.c tests/system/prefix/*.c tests/support/*.c
CHECKED := $(wildcard $(SYSTEM) tests/unit/*.c tests/calls/main.c tests/calls/rounds.c)
$(foreach w,x64 x86,$(CHECKED:%.c=build/$w/%.o)): CPPFLAGS += $(CHECK-CPPFLAGS)
$(foreach w,x64 x86,$(CHECKED:%.c=build/$w/%.o)): | $(READY)

# --- programs and suites -----------------------------------------------------------------

$(call both,child.exe): build/%/child.exe: build/%/tests/children/child.o
	$(CC) $(LDFLAGS) -o $@ $^ -lws2_32

# No console program, because Windows would make a console for each where there is none.
$(call both,descriptor-child.exe): build/%/descriptor-child.exe: build/%/tests/children/descriptor_child.o
	$(CC) $(LDFLAGS) -mwindows -o $@ $^

$(call both,taking-child.exe): build/%/taking-child.exe: build/%/tests/children/taking_child.o build/%/parent/taker/taker.o
	$(CC) $(LDFLAGS) -municode -o $@ $^

$(call both,spawning.dll): build/%/spawning.dll: build/%/tests/children/spawning.o build/%/libhandoff.a
	$(CC) $(LDFLAGS) -shared -o $@ $^

# What of the engine calls nothing of Windows that a test replaces.
ENGINE-PURE := launcher/engine/batch.c launcher/engine/environment.c launcher/engine/upcase.c

$(call both,faulty-launcher.exe): build/%/faulty-launcher.exe: build/%/tests/faulty/faulty_launcher.o \
                                $(call objects,$(ENGINE-PURE)) build/%/libcommon.a
	$(CC) $(LDFLAGS) -o $@ $^

# The rest of the prefix as it is.
$(call both,faulty-prefix.exe): build/%/faulty-prefix.exe: build/%/tests/faulty/faulty_prefix.o \
                          $(filter-out %/console.o %/job.o %/library.o %/open.o %/parent.o %/relay.o %/say.o %/sink.o, \
                            $(call objects,launcher/prefix/*.c)) $(call objects,$(ENGINE-PURE)) build/%/libcommon.a
	$(CC) $(LDFLAGS) -nostartfiles $(BARE-ENTRY-$(width)) -o $@ $^

$(call both,faulty-parent.exe): build/%/faulty-parent.exe: build/%/tests/faulty/faulty_parent.o \
                              $(call objects,parent/createprocess.c parent/exepath.c parent/quote.c) \
                              build/%/libcommon.a
	$(CC) $(LDFLAGS) -municode -o $@ $^

$(call both,unit.exe): build/%/unit.exe: $(call objects,tests/unit/*.c $(ENGINE-PURE) launcher/prefix/options.c \
                          launcher/prefix/words.c parent/ansi.c parent/quote.c parent/token.c) $(HARNESS) build/%/libcommon.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CHECK-LIBS)

$(call both,system.exe): build/%/system.exe: $(call objects,$(SYSTEM) parent/token.c) build/%/libhandoff.a build/%/libcommon.a
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

$(call both,stream-parent.exe): build/%/stream-parent.exe: build/%/tests/children/stream_parent.o build/%/libhandoff.a
	$(CC) $(LDFLAGS) -municode -o $@ $^

$(call both,changing-parent.exe): build/%/changing-parent.exe: build/%/tests/children/changing_parent.o build/%/libhandoff.a
	$(CC) $(LDFLAGS) -municode -o $@ $^

HELPERS := child.exe descriptor-child.exe taking-child.exe changing-parent.exe stream-parent.exe faulty-launcher.exe faulty-parent.exe \
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

PURE := $(addprefix common/,cmdline.c fdblock.c placeholder.c request.c text.c wire.c) \
        $(addprefix launcher/,engine/batch.c engine/environment.c prefix/options.c prefix/words.c) parent/quote.c parent/token.c
FUZZ-SECONDS := 300

build/fuzz: tests/fuzz/fuzz.c $(PURE) $(wildcard common/*.h launcher/*/*.h parent/*.h) Makefile | build/deps/fuzzing
	clang -std=c11 -g -O1 -fshort-wchar -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -Icommon -Ilauncher/engine -Ilauncher/prefix -Iparent -o $@ tests/fuzz/fuzz.c $(PURE)

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
	shellcheck --severity=warning --exclude=SC2034,SC2154 .ci/run $(wildcard tests/*.sh tests/*/*.sh)
	clang-format --dry-run --Werror $(filter-out build/%,$(wildcard */*.[ch] */*/*.[ch] */*/*/*.[ch]))
	clang-tidy --quiet $(LINTED) -- --target=x86_64-w64-mingw32 -std=c11 $(LINT-CPPFLAGS)
	clang-tidy --quiet $(LINTED) -- --target=i686-w64-mingw32 -std=c11 $(LINT-CPPFLAGS)
	cppcheck --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
	    --platform=win64 --error-exitcode=1 --quiet -Icommon -Iparent -Ilauncher/engine -Ilauncher/prefix $(LINTED)

# --- set-up ------------------------------------------------------------------------------

build/deps/analysis: tests/setup.sh
	tests/setup.sh analysis

build/deps/fuzzing: tests/setup.sh
	tests/setup.sh fuzzing

build/deps/languages: tests/setup.sh
	tests/setup.sh languages

$(READY): build/deps/compilers
	tests/setup.sh
