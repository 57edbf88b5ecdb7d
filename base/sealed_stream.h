// A stream in a file that only a passphrase opens: AES-256-GCM in chunks under a key by scrypt, so that a file of any
// size is written and read with little memory. What is changed, swapped, cut or added anywhere is found.
//
//   "LENSCAP-SEALED-1\n", log2 of scrypt's N (r=8, p=1), 16 octets of salt: the header
//   then chunks: 4 octets, big endian: the length, with the top bit in the last one; so many octets; 16 octets of tag
// The n-th chunk has the nonce n, as 12 octets, and is bound to the header and to whether it is the last one.
//
// NOT protected: how long the stream is, and who wrote it beyond that he knew the passphrase.
#pragma once

#include <iosfwd>
#include <memory>

#include "base/secret.h"

namespace lenscap {

// 128 MiB and some tenths of a second for each guess of a passphrase. Files may say less, never more.
constexpr int kSealedLogN = 17;

class SealedOutput {
 public:
  // Writes the header. `out` is borrowed.
  SealedOutput(std::ostream& out, SecretBytes const& passphrase, int log_n = kSealedLogN);
  ~SealedOutput();
  SealedOutput(SealedOutput const&) = delete;
  SealedOutput& operator=(SealedOutput const&) = delete;

  std::ostream& stream();
  // Writes the last chunk. Without it the file is a cut one. Errc::file when `out` failed at any time.
  Result<> finish();

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
  std::unique_ptr<std::ostream> stream_;
};

class SealedInput {
 public:
  // Errc::malformed: not such a file. Errc::wrong_passphrase: or damaged right at its beginning. `in` is borrowed.
  static Result<std::unique_ptr<SealedInput>> open(std::istream& in, SecretBytes const& passphrase);
  ~SealedInput();
  SealedInput(SealedInput const&) = delete;
  SealedInput& operator=(SealedInput const&) = delete;

  // Gives only octets of good chunks, and ends where the next one is not: ask check_end() before you believe the end.
  std::istream& stream();
  // Errc::malformed unless the stream was read to its end, and that is the end of the file.
  Result<> check_end();

 private:
  class Buffer;
  explicit SealedInput(std::unique_ptr<Buffer> buffer);
  std::unique_ptr<Buffer> buffer_;
  std::unique_ptr<std::istream> stream_;
};

}  // namespace lenscap
