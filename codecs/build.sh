#!/bin/sh
# Builds codecs.wasm out of the unpacked sources: sh codecs/build.sh SOURCES OUT
# SOURCES holds the folders ffmpeg and opus. `npm run codecs:build` fetches them, checks their hashes,
# calls this and writes server/codecs/module.gen.ts.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$1
out=$2
clang="clang-16 --target=wasm32-wasi"
flags="-O3 -msimd128 -DNDEBUG"
jobs=$(nproc)

# config.sub of Opus does not know wasi: to it this is a 32-bit machine without assembly.
cd "$sources/opus"
CC="$clang" CFLAGS="$flags" AR=llvm-ar-16 RANLIB=llvm-ranlib-16 ./configure --host=i686-linux-gnu \
  --disable-shared --enable-static --disable-extra-programs --disable-doc \
  --disable-stack-protector --disable-rtcd --disable-asm --disable-intrinsics >configure.log 2>&1
make -j"$jobs" >make.log 2>&1 || { tail -30 make.log; exit 1; }

# Without --enable-gpl, --enable-version3 and --enable-nonfree: LGPL 2.1 or later, all of it.
cd "$sources/ffmpeg"
patch -p1 <"$here/ffmpeg.patch"
./configure --target-os=none --arch=x86_32 --enable-cross-compile --disable-asm \
  --disable-x86asm --disable-inline-asm --disable-programs --disable-doc --disable-debug \
  --disable-all --disable-everything --disable-autodetect --disable-pthreads \
  --disable-runtime-cpudetect --disable-network --enable-avcodec --enable-swresample \
  --enable-decoder=aac,mp3float,pcm_alaw,pcm_mulaw --enable-encoder=aac \
  --cc="$clang" --ar=llvm-ar-16 --ranlib=llvm-ranlib-16 --nm=llvm-nm-16 --host-cc=clang-16 \
  --extra-cflags="$flags -w -include $here/compat.h -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_MMAN" \
  --extra-ldflags="-lwasi-emulated-process-clocks" >configure.log 2>&1
grep -q '#define CONFIG_GPL 0' config.h
grep -q '#define CONFIG_NONFREE 0' config.h
make -j"$jobs" >make.log 2>&1 || { tail -30 make.log; exit 1; }

# Linked without -O: clang would run a wasm-opt that may not know SIMD.
cd "$sources"
$clang $flags -Wall -isystem ffmpeg -isystem opus/include -c "$here/bridge.c" -o bridge.o
$clang -mexec-model=reactor bridge.o ffmpeg/libavcodec/libavcodec.a \
  ffmpeg/libswresample/libswresample.a ffmpeg/libavutil/libavutil.a opus/.libs/libopus.a -lm \
  -lwasi-emulated-process-clocks -lwasi-emulated-signal -lwasi-emulated-mman \
  -Wl,--gc-sections -Wl,--strip-all -Wl,-z,stack-size=1048576 -Wl,--max-memory=268435456 -o "$out"
