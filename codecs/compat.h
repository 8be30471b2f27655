#ifndef MONOPORT_COMPAT
#define MONOPORT_COMPAT
/* wasi-libc has no tempnam; FFmpeg's libavutil/file_open.c names it, and nothing here calls that. */
static inline char *tempnam(const char *a, const char *b) { (void)a; (void)b; return 0; }
#endif
