/* Whether this is built with the address sanitizer, as gcc and clang say it: its shadow is terabytes, which a limit of memory forbids. */
#ifndef UTIL_SANITIZER_H
#define UTIL_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif

#endif
