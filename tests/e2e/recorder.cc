// A library for LD_PRELOAD that writes down, in order, every write, sync and truncation of the two files that a CA must
// not lose, its store's data.mdb and its signer's signer.ledger, into the file LENSCAP_RECORD. An entry is there before
// the call returns: so whatever the program tells anybody afterwards comes later than the entry. recording.h has the
// form. It opens nothing later than at the start and makes no calls that a confined signer may not make.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/e2e/recording.h"

namespace {

using lenscap::e2e::Entry;

constexpr int kFilesMax = 4096;

// What is known of a descriptor.
struct Watched {
  std::uint8_t file = 0;  // Entry::kStore or kLedger; 0: of no interest
  bool is_durable = false;
  bool appends = false;
  std::uint64_t size = 0;  // where the next one is appended
};
Watched watched[kFilesMax];
int record = -1;

__attribute__((constructor)) void begin() {
  char const* path = std::getenv("LENSCAP_RECORD");
  if (path == nullptr) return;
  auto const fd =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // Far up, so that the program's own descriptors have the numbers that they always have.
  record = static_cast<int>(::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900));
  ::syscall(SYS_close, fd);
}

Watched* find(int fd) {
  return record >= 0 && fd >= 0 && fd < kFilesMax && watched[fd].file != 0 ? &watched[fd] : nullptr;
}

// One write for each entry, at the end of the file: two processes and their threads do not mix.
void note(Entry entry, void const* data) {
  std::vector<char> octets(sizeof entry + entry.length);
  std::memcpy(octets.data(), &entry, sizeof entry);
  if (entry.length != 0) std::memcpy(octets.data() + sizeof entry, data, entry.length);
  if (::syscall(SYS_write, record, octets.data(), octets.size()) != static_cast<long>(octets.size())) std::abort();
}

void note_write(Watched const& file, std::uint64_t offset, void const* data, std::size_t length) {
  note({.kind = Entry::kWrite,
        .file = file.file,
        .is_durable = file.is_durable,
        .length = static_cast<std::uint32_t>(length),
        .offset = offset},
       data);
}

bool ends_with(char const* path, char const* end) {
  auto const length = std::strlen(path), tail = std::strlen(end);
  return length >= tail && std::strcmp(path + length - tail, end) == 0;
}

int opened(int fd, char const* path, int flags) {
  if (record < 0 || fd < 0 || fd >= kFilesMax || (flags & O_ACCMODE) == O_RDONLY) return fd;
  auto& file = watched[fd];
  file.file = ends_with(path, "/data.mdb") ? Entry::kStore : ends_with(path, "/signer.ledger") ? Entry::kLedger : 0;
  file.is_durable = (flags & O_DSYNC) != 0;
  file.appends = (flags & O_APPEND) != 0;
  if (file.file != 0 && file.appends) file.size = static_cast<std::uint64_t>(::syscall(SYS_lseek, fd, 0, SEEK_END));
  return fd;
}

long synced(long result, int fd) {
  if (auto const* file = find(fd); file != nullptr && result == 0)
    note({.kind = Entry::kSync, .file = file->file}, nullptr);
  return result;
}

}  // namespace

extern "C" {

int open(char const* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  auto const mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, unsigned) : 0U;
  va_end(more);
  return opened(static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)), path, flags);
}
int open64(char const* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  auto const mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, unsigned) : 0U;
  va_end(more);
  return opened(static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)), path, flags);
}
int close(int fd) {
  if (auto* file = find(fd)) *file = {};
  return static_cast<int>(::syscall(SYS_close, fd));
}
ssize_t write(int fd, void const* data, size_t length) {
  auto const result = ::syscall(SYS_write, fd, data, length);
  if (auto* file = find(fd); file != nullptr && result > 0) {
    auto const end = file->appends ? file->size += static_cast<std::uint64_t>(result)
                                   : static_cast<std::uint64_t>(::syscall(SYS_lseek, fd, 0, SEEK_CUR));
    note_write(*file, end - static_cast<std::uint64_t>(result), data, static_cast<std::size_t>(result));
  }
  return result;
}
ssize_t writev(int fd, iovec const* parts, int count) {
  auto const result = ::syscall(SYS_writev, fd, parts, count);
  if (auto* file = find(fd); file != nullptr && result > 0) {
    auto const end = static_cast<std::uint64_t>(::syscall(SYS_lseek, fd, 0, SEEK_CUR));
    auto at = end - static_cast<std::uint64_t>(result);
    for (int i = 0; i < count && at < end; ++i) {
      note_write(*file, at, parts[i].iov_base, parts[i].iov_len);
      at += parts[i].iov_len;
    }
    if (at != end) std::abort();  // a short one, which the programs here never see on a disk that works
  }
  return result;
}
ssize_t pwrite(int fd, void const* data, size_t length, off_t offset) {
  auto const result = ::syscall(SYS_pwrite64, fd, data, length, offset);
  if (auto* file = find(fd); file != nullptr && result > 0)
    note_write(*file, static_cast<std::uint64_t>(offset), data, static_cast<std::size_t>(result));
  return result;
}
ssize_t pwrite64(int fd, void const* data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }
int fdatasync(int fd) { return static_cast<int>(synced(::syscall(SYS_fdatasync, fd), fd)); }
int fsync(int fd) { return static_cast<int>(synced(::syscall(SYS_fsync, fd), fd)); }
int ftruncate(int fd, off_t length) noexcept {
  auto const result = ::syscall(SYS_ftruncate, fd, length);
  if (auto* file = find(fd); file != nullptr && result == 0) {
    file->size = static_cast<std::uint64_t>(length);
    note({.kind = Entry::kTruncate, .file = file->file, .offset = static_cast<std::uint64_t>(length)}, nullptr);
  }
  return static_cast<int>(result);
}
int ftruncate64(int fd, off_t length) noexcept { return ftruncate(fd, length); }

}  // extern "C"
