// The passphrase of a root's key in shares, by Shamir's scheme: any `needed` of the `made` shares give it, and fewer
// say nothing of it. Each octet is shared in GF(256) with the polynomial 0x11d and the share's number as the point
// (libgfshare), so gfcombine of libgfshare-bin combines the same octets. It does NOT know how a share is written
// (root_share_text.h), nor notice a share that lies: only the key does, by not opening.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "base/x509/certificate.h"

namespace lenscap::ca {

struct ShareCount {
  unsigned needed = 0;
  unsigned made = 0;

  bool operator==(ShareCount const&) const = default;
};
constexpr unsigned kSharesMax = 16;

// "3-of-5". Errc::usage unless 2 <= needed <= made <= kSharesMax.
Result<ShareCount> parse_share_count(std::string_view text);
// Are they inside these limits?
bool is_good(ShareCount count);

// One splitting of one root's passphrase. Nothing of it is secret.
struct Sealing {
  std::string subject;  // of the root, for people
  Sha256 root{};        // the fingerprint of its certificate
  ShareCount count;
  std::string id;  // kSealingIdCharacters of base32, random: shares of two sealings do not go together

  bool operator==(Sealing const&) const = default;
};
constexpr std::size_t kSealingIdCharacters = 8;
Sealing new_sealing(x509::Certificate const& root, ShareCount count);

struct RootShare {
  Sealing sealing;
  unsigned number = 0;  // 1 to sealing.count.made
  SecretBytes octets;   // kShareOctets
};
// 160 random bits: more than anybody will try, and 32 characters of base32 without a rest.
constexpr std::size_t kShareOctets = 20;

struct SplitPassphrase {
  SecretBytes passphrase;  // kShareOctets in base32: a passphrase as others are, to every program
  std::vector<RootShare> shares;
};
// A new one. Throws when the system gives no memory; stops the process when it gives no randomness.
SplitPassphrase split_new_passphrase(Sealing const& sealing);

// Is it a share of this sealing? Errc::usage, saying whose it is.
Result<> check_belongs(Sealing const& sealing, RootShare const& share);

// The passphrase. Errc::usage for shares of other sealings, for one that is there twice, and for too few; none of which
// says whether the others are good. With more than are needed all are used. NOT for several threads at once: libgfshare
// takes its randomness, with which it wipes, from a global variable.
Result<SecretBytes> combine(Sealing const& sealing, std::vector<RootShare const*> const& shares);
Result<SecretBytes> combine(Sealing const& sealing, std::vector<RootShare> const& shares);

}  // namespace lenscap::ca
