#include "ca/root_shares.h"

#include <fmt/format.h>
#include <openssl/rand.h>
extern "C" {  // which the header does not say
#include <libgfshare.h>
}

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <set>
#include <system_error>

#include "base/base32.h"
#include "base/ossl.h"
#include "base/random.h"

namespace lenscap::ca {

bool is_good(ShareCount count) { return count.needed >= 2 && count.needed <= count.made && count.made <= kSharesMax; }

Result<ShareCount> parse_share_count(std::string_view text) {
  constexpr std::string_view kOf = "-of-";
  auto const number = [](std::string_view digits) {
    unsigned value = 0;
    bool const good = !digits.empty() && digits.size() <= 2 &&
                      std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    for (char const c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
    return good ? value : 0;
  };
  auto const at = text.find(kOf);
  ShareCount count;
  if (at != std::string_view::npos) count = {number(text.substr(0, at)), number(text.substr(at + kOf.size()))};
  if (is_good(count)) return count;
  return Error(Errc::usage,
               fmt::format("shares are given as K-of-N, such as 3-of-5, with 2 <= K <= N <= {}: K of the N "
                           "people open the key together",
                           kSharesMax));
}

Sealing new_sealing(x509::Certificate const& root, ShareCount count) {
  return {.subject = root.subject(),
          .root = root.fingerprint(),
          .count = count,
          .id = std::string(to_base32(random_bytes(kSealingIdCharacters * 5 / 8)).text())};
}

// --- libgfshare ---

namespace {

// It cannot say no, and shares of anything but random octets must never leave the process.
void fill_random(unsigned char* out, unsigned int count) {
  if (RAND_priv_bytes(out, static_cast<int>(count)) != 1) bug("the system gives no randomness for shares");
}

using GfSharePtr = ossl::Ptr<gfshare_ctx, gfshare_ctx_free>;  // fills what it held with random octets

GfSharePtr checked(gfshare_ctx* context) {
  if (context == nullptr) throw std::system_error(errno, std::generic_category(), "libgfshare");
  return GfSharePtr(context);
}

// The library takes octets that it only reads by pointers to what may be written.
unsigned char* read_only(ByteView octets) { return const_cast<unsigned char*>(octets.data()); }

}  // namespace

SplitPassphrase split_new_passphrase(Sealing const& sealing) {
  if (!is_good(sealing.count)) bug("a passphrase is to be split into a number of shares that nobody may ask for");
  SecretBytes const secret(random_bytes(kShareOctets));
  gfshare_fill_rand = fill_random;
  std::vector<unsigned char> numbers(sealing.count.made);
  std::iota(numbers.begin(), numbers.end(), static_cast<unsigned char>(1));
  auto const context =
      checked(gfshare_ctx_init_enc(numbers.data(), sealing.count.made, static_cast<unsigned char>(sealing.count.needed),
                                   static_cast<unsigned>(secret.size())));
  gfshare_ctx_enc_setsecret(context.get(), read_only(secret.view()));
  SplitPassphrase made{.passphrase = to_base32(secret.view()), .shares = {}};
  for (unsigned index = 0; index < sealing.count.made; ++index) {
    Bytes octets(secret.size());
    gfshare_ctx_enc_getshare(context.get(), static_cast<unsigned char>(index), octets.data());
    made.shares.push_back({sealing, numbers[index], SecretBytes(std::move(octets))});
  }
  return made;
}

Result<> check_belongs(Sealing const& sealing, RootShare const& share) {
  auto const& its = share.sealing;
  if (its.root != sealing.root)
    return Error(Errc::usage,
                 fmt::format("this is a share of another root's key, {}, and the key to open is that of {}",
                             its.subject, sealing.subject));
  if (its.id != sealing.id || its.count != sealing.count)
    return Error(Errc::usage, fmt::format("this is a share of sealing {}, and the key to open was sealed anew or "
                                          "before, as {}: shares of two sealings do not go together",
                                          its.id, sealing.id));
  return {};
}

Result<SecretBytes> combine(Sealing const& sealing, std::vector<RootShare const*> const& shares) {
  std::set<unsigned> seen;
  for (auto const* share : shares) {
    if (auto const belongs = check_belongs(sealing, *share); !belongs)
      return Error(belongs.error()).with_context(fmt::format("share {}: ", share->number));
    if (!seen.insert(share->number).second)
      return Error(Errc::usage, fmt::format("share {} is given twice, and counts once: {} different ones are needed",
                                            share->number, sealing.count.needed));
  }
  if (shares.size() < sealing.count.needed)
    return Error(Errc::usage, fmt::format("{} of the {} shares of sealing {} are needed to open the key, and {} given",
                                          sealing.count.needed, sealing.count.made, sealing.id,
                                          shares.size() == 1 ? "1 is" : fmt::format("{} are", shares.size())));
  gfshare_fill_rand = fill_random;
  std::vector<unsigned char> numbers;
  for (auto const* share : shares) numbers.push_back(static_cast<unsigned char>(share->number));
  auto const context =
      checked(gfshare_ctx_init_dec(numbers.data(), static_cast<unsigned>(numbers.size()), kShareOctets));
  for (std::size_t i = 0; i < shares.size(); ++i)
    gfshare_ctx_dec_giveshare(context.get(), static_cast<unsigned char>(i), read_only(shares[i]->octets.view()));
  Bytes octets(kShareOctets);
  gfshare_ctx_dec_extract(context.get(), octets.data());
  SecretBytes const secret(std::move(octets));
  return to_base32(secret.view());
}

Result<SecretBytes> combine(Sealing const& sealing, std::vector<RootShare> const& shares) {
  std::vector<RootShare const*> all;
  for (auto const& share : shares) all.push_back(&share);
  return combine(sealing, all);
}

}  // namespace lenscap::ca
