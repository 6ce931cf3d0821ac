// Preloaded into the host: counts each thread's allocations into a shared file of
// {thread id, count} pairs, named by MIMUS_ALLOCATIONS; of the last pair the count is the bytes
// that are allocated and not freed, of all threads.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { slots = 256 };

struct slot {
  _Atomic uint64_t thread;
  _Atomic uint64_t count;
};

static struct slot* table;
// Reached without a call into the loader, which might allocate.
static __thread struct slot* mine __attribute__((tls_model("initial-exec")));

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

__attribute__((constructor)) static void open_table(void) {
  const char* const file = getenv("MIMUS_ALLOCATIONS");
  if (file == NULL) return;
  const int fd = open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const at = mmap(NULL, slots * sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) table = at;
}

static void count(void) {
  if (table == NULL) return;
  if (mine == NULL) {
    const uint64_t self = (uint64_t)gettid();
    for (int i = 0; i < slots - 1 && mine == NULL; ++i) {
      uint64_t nobody = 0;
      if (atomic_compare_exchange_strong(&table[i].thread, &nobody, self)) mine = &table[i];
    }
    if (mine == NULL) return;
  }
  atomic_fetch_add_explicit(&mine->count, 1, memory_order_relaxed);
}

// What it really takes, so that what was allocated before the table was there matters little.
static void* held(void* block) {
  if (table != NULL && block != NULL)
    atomic_fetch_add_explicit(&table[slots - 1].count, malloc_usable_size(block), memory_order_relaxed);
  return block;
}
static void let_go(void* block) {
  if (table != NULL && block != NULL)
    atomic_fetch_sub_explicit(&table[slots - 1].count, malloc_usable_size(block), memory_order_relaxed);
}

void* malloc(size_t bytes) {
  count();
  return held(__libc_malloc(bytes));
}
void* calloc(size_t n, size_t bytes) {
  count();
  return held(__libc_calloc(n, bytes));
}
void* realloc(void* old, size_t bytes) {
  count();
  let_go(old);
  void* const block = __libc_realloc(old, bytes);
  return held(block != NULL || bytes == 0 ? block : old);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  count();
  return held(__libc_memalign(alignment, bytes));
}
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  count();
  *out = held(__libc_memalign(alignment, bytes));
  return *out == NULL ? ENOMEM : 0;
}
void free(void* block) {
  let_go(block);
  __libc_free(block);
}
