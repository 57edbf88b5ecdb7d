// The signer's own book: a line for each signature, durable before the signature is made. It is not the store: nobody
// but the signer writes it, it only grows, and it says what was signed even when the store does not (a crash, a store
// that was restored, a front end that asks for what it does not record). Whoever can write the signer's files can cut
// it, too: it is no evidence against them.
//
// A line is words with a blank between them, the last of them the first eight digits of the SHA-256 of the others:
//   cert  <issuer key id> <time> <serial> <tbs sha256> <check>
//   crl   <issuer key id> <time> <scope or -> <number> <tbs sha256> <check>
//   clock - <time> <check>                                     a person said that the clock is right
// A last line that is cut off was never followed by a signature, and goes at the next start; so does what a power cut
// left of several lines that were written at once: holes, which read as zeros.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace lenscap::ca {

struct SignedEntry {
  enum class Kind { certificate, crl, clock };
  Kind kind = Kind::certificate;
  std::string issuer = {};      // hex key id; empty of a clock
  Time at{};                    // when it was signed
  std::string serial_hex = {};  // of a certificate
  std::string scope = {};       // of a list, see crl_places.h
  std::uint64_t number = 0;     // of a list
  std::string tbs_hash = {};    // hex SHA-256

  bool operator==(SignedEntry const&) const = default;
};

std::string to_line(SignedEntry const& entry);          // with the line's end
Result<SignedEntry> parse_line(std::string_view line);  // without it; Errc::file

// Of a store without an accident the front end knows all certificates; of one that was restored, or of a crash, the
// last ones are of use. One message has room for so many.
constexpr std::size_t kRecent = 2000;
// What the start of a front end wants to know, with a bound: the last kRecent certificates, newest last, and the last
// list of each issuer and scope.
struct RecentlySigned {
  std::vector<SignedEntry> certificates;
  std::map<std::pair<std::string, std::string>, SignedEntry> lists;
};

std::string signing_ledger_file(std::string const& state_dir);

// Shows every entry, oldest first; a last line that is cut off is left out, since it may be written at this moment.
// Nothing is shown when there is no such file. Errc::file with the number of the line that cannot be read.
Result<> visit_signing_ledger(std::string const& path, std::function<void(SignedEntry const&)> const& visit);

// The one writer. Not safe from two threads at once.
class SigningLedger {
 public:
  // Makes the file where there is none (0600), takes away what is cut off at its end, and shows what is in it. Another
  // process that has it open is waited for, some seconds: a signer that is just ending. Errc::conflict after that.
  static Result<SigningLedger> open(std::string const& path, std::function<void(SignedEntry const&)> const& visit);
  SigningLedger(SigningLedger&& other) noexcept;
  SigningLedger& operator=(SigningLedger&&) = delete;
  ~SigningLedger();

  // Is there room on the disk for certificates? Some is kept for revocation lists, which must go on.
  bool has_room();
  void add(SignedEntry const& entry) { waiting_ += to_line(entry); }
  // Makes what was added durable. Errc::unavailable, with nothing of it in the file, when the disk is full. After any
  // other failure the file's state is unknown, and is_broken().
  Result<> commit();
  bool is_broken() const { return is_broken_; }

 private:
  SigningLedger(int fd, std::int64_t size) : fd_(fd), size_(size), reserved_(size) {}
  int fd_;
  std::int64_t size_;
  std::int64_t reserved_;  // up to where the disk has given room
  std::string waiting_;
  bool is_broken_ = false;
};

}  // namespace lenscap::ca
