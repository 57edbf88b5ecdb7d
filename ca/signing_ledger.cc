#include "ca/signing_ledger.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/directory.h"
#include "base/file.h"

namespace lenscap::ca {
namespace {

constexpr std::size_t kCheckDigits = 8;
constexpr std::size_t kLineMax = 512;
// Some 7,000 lines; lists are made a few times a day.
constexpr std::int64_t kReserve = 1024 * 1024;
constexpr std::int64_t kReserveLow = kReserve / 2;

std::string check_of(std::string_view words) { return to_hex(sha256(as_bytes(words))).substr(0, kCheckDigits); }

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    auto const blank = line.find(' ');
    words.push_back(line.substr(0, blank));
    if (blank == std::string_view::npos) return words;
    line.remove_prefix(blank + 1);
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size();
}

Error failed(std::string_view what, std::string const& path) {
  return {Errc::file, "cannot " + std::string(what) + " " + path + ": " + std::strerror(errno)};
}

}  // namespace

std::string to_line(SignedEntry const& entry) {
  std::string words;
  auto const at = std::to_string(to_unix(entry.at));
  switch (entry.kind) {
    case SignedEntry::Kind::certificate:
      words = "cert " + entry.issuer + " " + at + " " + entry.serial_hex + " " + entry.tbs_hash;
      break;
    case SignedEntry::Kind::crl:
      words = "crl " + entry.issuer + " " + at + " " + (entry.scope.empty() ? "-" : entry.scope) + " " +
              std::to_string(entry.number) + " " + entry.tbs_hash;
      break;
    case SignedEntry::Kind::clock:
      words = "clock - " + at;
      break;
  }
  return words + " " + check_of(words) + "\n";
}

Result<SignedEntry> parse_line(std::string_view line) {
  Error const bad(Errc::file, "not a line of a signer's ledger");
  if (line.size() <= kCheckDigits + 1 || line.size() > kLineMax) return bad;
  auto const content = line.substr(0, line.size() - kCheckDigits - 1);
  if (line[content.size()] != ' ' || line.substr(content.size() + 1) != check_of(content)) return bad;
  auto const words = split(content);
  long long at = 0;
  if (words.size() < 3 || !read_number(words[2], at)) return bad;
  SignedEntry entry;
  entry.at = from_unix(at);
  if (words[0] == "clock" && words.size() == 3) {
    entry.kind = SignedEntry::Kind::clock;
    return entry;
  }
  entry.issuer = words[1];
  if (words[0] == "cert" && words.size() == 5) {
    entry.serial_hex = words[3];
  } else if (words[0] == "crl" && words.size() == 6 && read_number(words[4], entry.number)) {
    entry.kind = SignedEntry::Kind::crl;
    entry.scope = words[3] == "-" ? "" : words[3];
  } else {
    return bad;
  }
  entry.tbs_hash = words.back();
  return entry;
}

std::string signing_ledger_file(std::string const& state_dir) { return state_dir + "/signer.ledger"; }

namespace {

// A power cut may leave holes, which read as zeros, in what was written last and not synced: nothing of it was signed.
// No line has such an octet, so what somebody changed does not look like that. More than this is never written at once.
constexpr std::int64_t kTornMax = std::int64_t{64} * 1024;

bool is_torn(int fd, std::int64_t good, std::string_view text) {
  struct stat status {};
  return text.find('\0') != std::string_view::npos && ::fstat(fd, &status) == 0 && status.st_size - good <= kTornMax;
}

// Shows the whole lines; gives where the last of them ends.
Result<std::int64_t> read_lines(int fd, std::string const& path, std::function<void(SignedEntry const&)> const& visit) {
  std::string rest;
  std::int64_t good = 0;
  std::size_t number = 0;
  std::vector<char> block(std::size_t{256} * 1024);
  while (true) {
    auto const count = ::read(fd, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path);
    if (count == 0) return good;
    rest.append(block.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      ++number;
      auto const line = std::string_view(rest).substr(begin, end - begin);
      auto const entry = parse_line(line);
      if (!entry && is_torn(fd, good, line)) return good;
      if (!entry)
        return Error(Errc::file, path + ": line " + std::to_string(number) +
                                     " cannot be read; keep a copy of the file and find out who or what changed it. "
                                     "Nothing is signed before it is put back from a back-up, or moved away");
      visit(*entry);
      good += static_cast<std::int64_t>(end + 1 - begin);
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (rest.size() > kLineMax && is_torn(fd, good, rest)) return good;
    if (rest.size() > kLineMax) return Error(Errc::file, path + ": its end is not a line of a signer's ledger");
  }
}

bool lock(int fd) {
  constexpr std::chrono::seconds kPatience{10};
  auto const until = std::chrono::steady_clock::now() + kPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace

Result<> visit_signing_ledger(std::string const& path, std::function<void(SignedEntry const&)> const& visit) {
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return {};
  if (fd < 0) return failed("read", path);
  auto const read = read_lines(fd, path, visit);
  ::close(fd);
  if (!read) return read.error();
  return {};
}

Result<SigningLedger> SigningLedger::open(std::string const& path,
                                          std::function<void(SignedEntry const&)> const& visit) {
  constexpr mode_t kOwnerAlone = 0600;
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnerAlone);
  if (fd < 0) return failed("open", path);
  SigningLedger ledger(fd, 0);
  if (!lock(fd)) return Error(Errc::conflict, path + " is in use: another signer runs on this state directory");
  TRY(auto const good, read_lines(fd, path, visit));
  if (::ftruncate(fd, good) != 0 || ::fsync(fd) != 0) return failed("write", path);
  CHECK_OK(make_durable(parent_directory(path)));  // so that its name outlives a power cut
  ledger.size_ = ledger.reserved_ = good;
  return ledger;
}

SigningLedger::SigningLedger(SigningLedger&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      reserved_(other.reserved_),
      waiting_(std::move(other.waiting_)),
      is_broken_(other.is_broken_) {}

SigningLedger::~SigningLedger() {
  if (fd_ >= 0) ::close(fd_);
}

bool SigningLedger::has_room() {
  if (is_broken_) return false;
  if (reserved_ - size_ > kReserveLow) return true;
  if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, size_, kReserve) == 0)
    reserved_ = size_ + kReserve;
  else if (errno == EOPNOTSUPP)  // then there is nothing to be kept
    return true;
  return reserved_ - size_ > kReserveLow;
}

Result<> SigningLedger::commit() {
  auto const lines = std::exchange(waiting_, {});
  if (is_broken_) return Error(Errc::unavailable, "the signer's ledger can no longer be written");
  if (lines.empty()) return {};
  if (!write_all(fd_, lines)) {
    bool const is_full = errno == ENOSPC || errno == EDQUOT;
    is_broken_ = ::ftruncate(fd_, size_) != 0 || !is_full;
    return Error(Errc::unavailable, is_full ? "the disk is full: the signer cannot write what it would sign"
                                            : "the signer's ledger cannot be written");
  }
  // After a failed sync nobody knows what is on the disk, and another one may falsely succeed.
  if (::fdatasync(fd_) != 0) {
    is_broken_ = true;
    return Error(Errc::unavailable, "the signer's ledger cannot be made durable");
  }
  size_ += static_cast<std::int64_t>(lines.size());
  return {};
}

}  // namespace lenscap::ca
