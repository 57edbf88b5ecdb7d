#include "ca/known_roots.h"

#include <algorithm>
#include <filesystem>

#include "base/acting_as.h"
#include "base/directory.h"
#include "base/file.h"

namespace lenscap::ca {
namespace {

constexpr std::size_t kRootsMax = 100;   // of a CA's life
constexpr char const* kLeads = "leads";  // beside a root: chains lead to it; the time since when

std::string directory_of(std::string const& state_dir, std::size_t number) {
  return state_dir + "/keys/roots/" + std::to_string(number);
}

Result<x509::Certificate> parse_certificate(std::string const& pem, std::string const& file) {
  auto certificate = x509::Certificate::from_pem(pem);
  if (!certificate.ok()) return std::move(certificate).error().with_context(file + ": ");
  return *std::move(certificate);
}

Result<x509::Certificate> read_certificate(std::string const& file) {
  TRY(auto const pem, read_file(file));
  return parse_certificate(pem, file);
}

Result<> check_pair(x509::Certificate const& former, x509::Certificate const& next, x509::Certificate const& by_former,
                    x509::Certificate const& former_by_next, std::string const& directory) {
  bool const fits = next.is_signed_by(next.key()) && by_former.key() == next.key() &&
                    by_former.is_signed_by(former.key()) && former_by_next.key() == former.key() &&
                    former_by_next.is_signed_by(next.key());
  if (fits) return {};
  return Error(Errc::settings, "the certificates in " + directory +
                                   " do not belong to the root before: put back the directory as lenscap-ca root "
                                   "roll-over made it, from a backup");
}

// Is a root the one whose key and name stand in this certificate, which somebody else signed?
auto vouched_for_by(x509::Certificate const& voucher) {
  return [&voucher](x509::Certificate const& root) {
    return root.key() == voucher.key() && root.subject_der() == voucher.subject_der() && !(root == voucher);
  };
}

}  // namespace

std::vector<x509::Certificate> KnownRoots::all() const {
  auto every = roots;
  every.insert(every.end(), vouchers.begin(), vouchers.end());
  return every;
}

std::vector<x509::Certificate> KnownRoots::above_newest() const {
  std::vector<x509::Certificate> above;
  for (std::size_t i = roots.size() - 1; i > 0; --i) above.push_back(vouchers[2 * (i - 1)]);
  above.push_back(roots.front());
  return above;
}

Result<KnownRoots> load_known_roots(std::string const& state_dir, x509::Certificate const& first) {
  KnownRoots known{{first}, {}, 0};
  for (std::size_t number = 2; number <= kRootsMax; ++number) {
    auto const directory = directory_of(state_dir, number);
    TRY(auto const pem, read_file_if_there(directory + "/root.pem"));
    if (!pem) break;
    TRY(auto next, parse_certificate(*pem, directory + "/root.pem"));
    TRY(auto by_former, read_certificate(directory + "/by-former.pem"));
    TRY(auto former_by_this, read_certificate(directory + "/former-by-this.pem"));
    CHECK_OK(check_pair(known.newest(), next, by_former, former_by_this, directory));
    known.roots.push_back(std::move(next));
    known.vouchers.push_back(std::move(by_former));
    known.vouchers.push_back(std::move(former_by_this));
    if (file_exists(directory + "/" + kLeads)) known.leading = known.roots.size() - 1;
  }
  return known;
}

std::string root_directory(std::string const& state_dir, std::size_t index) {
  return index == 0 ? state_dir + "/keys" : directory_of(state_dir, index + 1);
}

std::string root_directory(std::string const& state_dir, KnownRoots const& known) {
  return root_directory(state_dir, known.roots.size() - 1);
}

Result<std::string> keep_next_root(std::string const& state_dir, KnownRoots const& known, NextRoot const& next,
                                   SecretBytes const& passphrase, std::function<Result<>()> const& then) {
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  auto const above = state_dir + "/keys/roots";
  auto place = directory_of(state_dir, known.roots.size() + 1);
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);  // without root.pem: of an attempt that did not come to its end
  auto const write = [&]() -> Result<> {
    CHECK_OK(make_directory(above));
    CHECK_OK(make_directory(place));
    CHECK_OK(create_file(place + "/root.key", next.key.to_encrypted_pem(passphrase), 0600));
    CHECK_OK(create_file(place + "/by-former.pem", next.by_former.pem(), 0644));
    CHECK_OK(create_file(place + "/former-by-this.pem", next.former_by_this.pem(), 0644));
    CHECK_OK(create_file(place + "/root.crl", as_text(next.crl.der), 0644));
    CHECK_OK(create_file(place + "/root.pem", next.root.pem(), 0644));
    CHECK_OK(make_durable(above));
    CHECK_OK(make_durable(parent_directory(above)));
    return then ? then() : Result<>();
  };
  if (auto written = write(); !written.ok()) {
    // What counts goes first: who is told that there is no next root must not find one.
    std::filesystem::remove(place + "/root.pem", ignored);
    std::filesystem::remove_all(place, ignored);
    return std::move(written).error();
  }
  return place;
}

Result<> lead_to_newest(std::string const& state_dir, KnownRoots const& known, Time now) {
  if (!known.has_next())
    return Error(Errc::conflict, "there is one root only; lenscap-ca root roll-over makes the next");
  if (known.leads_to_newest()) return Error(Errc::conflict, "chains lead to " + known.newest().subject() + " already");
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return create_file(root_directory(state_dir, known) + "/" + kLeads, to_rfc3339(now) + "\n", 0644);
}

std::vector<std::vector<x509::Certificate>> ways_up(std::vector<x509::Certificate> const& above,
                                                    KnownRoots const& known) {
  std::vector<std::vector<x509::Certificate>> ways;
  auto const& roots = known.roots;
  // Cut off where the root itself can take the place of what somebody else says of it; the shortest comes first.
  for (std::size_t i = 0; i < above.size(); ++i) {
    auto const root = std::ranges::find_if(roots, vouched_for_by(above[i]));
    if (root == roots.end()) continue;
    ways.emplace_back(above.begin(), above.begin() + static_cast<std::ptrdiff_t>(i));
    ways.back().push_back(*root);
  }
  // And from the newest root among these on to those that followed it.
  auto longer = ways.empty() ? above : ways.front();
  ways.push_back(above);
  for (auto at = std::ranges::find(roots, longer.back()); at != roots.end() && at + 1 != roots.end(); ++at) {
    longer.back() = known.vouchers[static_cast<std::size_t>(2 * (at - roots.begin()) + 1)];
    longer.push_back(*(at + 1));
    ways.push_back(longer);
  }
  std::stable_partition(ways.begin(), ways.end(), [&](auto const& way) { return way.back() == known.leader(); });
  return ways;
}

}  // namespace lenscap::ca
