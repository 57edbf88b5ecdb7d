// What crosses the socket between the front end and the signer: frames of four octets of length (big-endian), one of
// type, and a body of fixed-width numbers and counted octets. Every message has one spelling; whatever else comes is
// refused. It does NOT judge what a message asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/secret.h"
#include "ca/signing_ledger.h"
#include "ca/template.h"

namespace lenscap::ca {

// A certificate of 100 names of 253 characters is under 64 KiB.
constexpr std::size_t kMessageBytesMax = std::size_t{256} * 1024;
// Some five million revoked certificates.
constexpr std::size_t kCrlMessageBytesMax = std::size_t{256} * 1024 * 1024;
// The last 2,000 certificates, and 256 lists of each of 64 issuers.
constexpr std::size_t kRecentMessageBytesMax = std::size_t{4} * 1024 * 1024;

// --- from the front end ---

// The first message, and never again: the signer opens its key with it. Empty where the signer has its own.
struct Opening {
  SecretBytes passphrase;
};

// The signer builds the certificate itself from what stands here and from its own settings.
struct CertificateWanted {
  std::uint64_t id = 0;  // the front end's, to know the answer by
  Bytes issuer;          // key id of the issuer that is to sign
  IssueRequest request;
  Sha256 profile_hash{};
  Bytes serial;
  Time prepared_at{};
  Sha256 tbs_hash{};  // of what the front end has put on record; what the signer builds has to be that
};

struct CrlWanted {
  std::uint64_t id = 0;
  Bytes issuer;  // key id
  ByteView tbs;  // borrowed from the message, or from its beginning: then it is the beginning of the list
};

// What was signed of late?
struct RecentWanted {
  std::uint64_t id = 0;
};

using Wanted = std::variant<CertificateWanted, CrlWanted, RecentWanted>;

Bytes encode(Opening const& opening);
Bytes encode(CertificateWanted const& wanted);
// The beginning of a message with a list: its octets, as many as are said here, are to follow.
Bytes encode_crl_front(std::uint64_t id, ByteView issuer, std::size_t tbs_octets);
// A message with so long a list is still one that the other end takes.
bool has_room_for_crl(std::size_t tbs_octets);
Bytes encode(RecentWanted const& wanted);
// What an answer to this message has to be addressed to, whatever else is wrong with the message; 0: it is too short.
std::uint64_t message_id(ByteView message);
Result<Opening> decode_opening(ByteView message);  // Errc::malformed
// Errc::malformed. Of a message with a list its first kCrlFrontOctetsMax octets do as well.
Result<Wanted> decode_wanted(ByteView message);
constexpr std::size_t kCrlFrontOctetsMax = 1 + 8 + 4 + 64;  // type, id, the issuer's key id with its length

// --- from the signer ---

struct Ready {
  std::vector<Bytes> spkis;     // of every issuer
  bool calls_filtered = false;  // see base/sandbox.h
  bool files_walled = false;
  std::string why;
};

struct Signature {
  std::uint64_t id = 0;
  Bytes octets;
  Seconds wait{};  // until another certificate can be signed; 0: at once
};

struct Refused {
  std::uint64_t id = 0;  // 0: the message had none, or its beginning failed
  Error error;           // code, detail and retry_after alone
};

struct Recent {
  std::uint64_t id = 0;
  RecentlySigned entries;
};

using Answer = std::variant<Ready, Signature, Refused, Recent>;

Bytes encode(Answer const& answer);
Result<Answer> decode_answer(ByteView message);  // Errc::malformed

// --- frames ---

// Puts the messages together from what comes out of a socket. A message is the type and the body.
class Frames {
 public:
  void feed(ByteView octets) { buffer_.insert(buffer_.end(), octets.begin(), octets.end()); }
  // The next whole one, or nothing yet. Errc::payload_too_large: nothing can be read from here on.
  Result<std::optional<Bytes>> next();

  struct ListPiece {
    ByteView octets;  // until the next call of anything here
    bool is_first = false;
    bool is_last = false;
  };
  // For those who do not keep whole lists: asked before each next(), it gives what has come of a message with a list.
  // The first piece is the whole of the message or has kCrlFrontOctetsMax octets. Nothing: none has come.
  std::optional<ListPiece> next_of_list();
  // Has all been taken that came?
  bool is_empty() const { return begin_ == buffer_.size() && list_left_ == 0; }

 private:
  Result<std::size_t> next_length() const;
  void drop_what_was_taken();

  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t list_left_ = 0;  // octets of a list that is given in pieces
};

}  // namespace lenscap::ca
