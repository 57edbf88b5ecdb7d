#include "ca/constraint_order.h"

#include <algorithm>

namespace lenscap::ca {
namespace {

using x509::DirectoryName;
using x509::DnsSubtree;
using x509::IpBlock;
using x509::MailSubtree;
using x509::NameConstraints;
using x509::UriSubtree;

// --- of one type of names ---

bool contains(DnsSubtree const& outer, DnsSubtree const& inner) { return outer.contains(inner); }
bool contains(IpBlock const& outer, IpBlock const& inner) { return outer.contains(inner); }
bool contains(MailSubtree const& outer, MailSubtree const& inner) { return outer.contains(inner); }
bool contains(UriSubtree const& outer, UriSubtree const& inner) { return outer.contains(inner); }
bool contains(DirectoryName const& outer, DirectoryName const& inner) { return inner.is_within(outer); }

template <class T>
bool is_in_any(T const& one, std::vector<T> const& all) {
  return std::ranges::any_of(all, [&](T const& each) { return contains(each, one); });
}

template <class T>
bool meets_any(T const& one, std::vector<T> const& all) {
  return std::ranges::any_of(all, [&](T const& each) { return contains(each, one) || contains(one, each); });
}

// What a set of constraints says of names of one type.
template <class T>
struct Rules {
  std::vector<T> const& permitted;
  std::vector<T> const& excluded;
  bool excludes_all = false;

  bool limits() const { return excludes_all || !permitted.empty(); }
  bool permits_all_of(T const& one) const {
    return !excludes_all && !is_in_any(one, excluded) && (permitted.empty() || is_in_any(one, permitted));
  }
  bool permits_nothing_of(T const& one) const {
    return excludes_all || is_in_any(one, excluded) || (!permitted.empty() && !meets_any(one, permitted));
  }
};

template <class T>
bool is_narrower(Rules<T> const& inner, Rules<T> const& outer) {
  if (inner.excludes_all) return true;
  if (outer.limits() && !inner.limits()) return false;
  return std::ranges::all_of(inner.permitted, [&](T const& one) { return outer.permits_all_of(one); }) &&
         std::ranges::all_of(outer.excluded, [&](T const& one) { return inner.permits_nothing_of(one); });
}

Rules<DnsSubtree> dns_of(NameConstraints const& of) { return {of.permitted_dns, of.excluded_dns, of.excludes_all_dns}; }

Rules<DirectoryName> directory_of(NameConstraints const& of) { return {of.permitted_directory, of.excluded_directory}; }

// A host that nobody has is permitted in place of none.
bool permits_nobody_alone(auto const& permitted) {
  return !permitted.empty() &&
         std::ranges::all_of(permitted, [](auto const& each) { return each.text() == NameConstraints::kNobody; });
}

Rules<MailSubtree> mail_of(NameConstraints const& of) {
  return {of.permitted_mail, of.excluded_mail, of.excludes_all_mail || permits_nobody_alone(of.permitted_mail)};
}

Rules<UriSubtree> uri_of(NameConstraints const& of) {
  return {of.permitted_uri, of.excluded_uri, of.excludes_all_uri || permits_nobody_alone(of.permitted_uri)};
}

// --- addresses: the two versions are one type, but not to every reader (NameConstraints::permit_only) ---

bool limits(NameConstraints const& constraints, IpBlock const& all) {
  auto const is = [&](IpBlock const& block) { return all.contains(block); };
  return is_in_any(all, constraints.excluded_ip) || std::ranges::any_of(constraints.permitted_ip, is);
}

bool is_narrower_by_ip(NameConstraints const& inner, NameConstraints const& outer) {
  auto const excludes = [&](IpBlock const& all) { return is_in_any(all, inner.excluded_ip); };
  for (auto const& all : {IpBlock::all_v4(), IpBlock::all_v6()})
    if (limits(outer, all) && !limits(inner, all)) return false;
  // A block that is permitted and excluded is a mistake, not a way to say none.
  bool const excludes_both = inner.permitted_ip.empty() && excludes(IpBlock::all_v4()) && excludes(IpBlock::all_v6());
  return is_narrower(Rules<IpBlock>{inner.permitted_ip, inner.excluded_ip, excludes_both},
                     Rules<IpBlock>{outer.permitted_ip, outer.excluded_ip});
}

// --- what is in both ---

template <class T>
void add(std::vector<T> const& from, std::vector<T>& to) {
  for (auto const& each : from)
    if (std::ranges::find(to, each) == to.end()) to.push_back(each);
}

template <class T>
std::vector<T> in_both(std::vector<T> const& a, std::vector<T> const& b) {
  std::vector<T> both;
  for (auto const& each : a)
    if (is_in_any(each, b)) both.push_back(each);
  for (auto const& each : b)
    if (is_in_any(each, a) && std::ranges::find(both, each) == both.end()) both.push_back(each);
  return both;
}

template <class T>
void permit_in_both(Rules<T> const& outer, std::vector<T>& permitted) {
  if (outer.excludes_all) return permitted.assign({T::parse(NameConstraints::kNobody).value()});
  if (outer.permitted.empty()) return;
  if (permitted.empty()) return permitted.assign(outer.permitted.begin(), outer.permitted.end());
  auto both = in_both(permitted, outer.permitted);
  if (both.empty()) both.push_back(T::parse(NameConstraints::kNobody).value());
  permitted = std::move(both);
}

}  // namespace

bool is_narrower_or_equal(std::optional<NameConstraints> const& inner, std::optional<NameConstraints> const& outer) {
  if (!outer) return true;
  if (!inner || !inner->is_known() || !outer->is_known()) return false;
  return is_narrower(dns_of(*inner), dns_of(*outer)) && is_narrower_by_ip(*inner, *outer) &&
         is_narrower(mail_of(*inner), mail_of(*outer)) && is_narrower(uri_of(*inner), uri_of(*outer)) &&
         is_narrower(directory_of(*inner), directory_of(*outer));
}

void keep_limits_of(NameConstraints const& outer, NameConstraints& inner) {
  add(outer.excluded_dns, inner.excluded_dns);
  add(outer.excluded_ip, inner.excluded_ip);
  add(outer.excluded_mail, inner.excluded_mail);
  add(outer.excluded_uri, inner.excluded_uri);
  add(outer.excluded_directory, inner.excluded_directory);
  permit_in_both(mail_of(outer), inner.permitted_mail);
  permit_in_both(uri_of(outer), inner.permitted_uri);
  if (inner.permitted_directory.empty())
    inner.permitted_directory = outer.permitted_directory;
  else if (auto both = in_both(inner.permitted_directory, outer.permitted_directory); !both.empty())
    inner.permitted_directory = std::move(both);
}

}  // namespace lenscap::ca
