#include "ca/issuer_choice.h"

#include <algorithm>

namespace lenscap::ca {

IssuerState state_at(IssuerRule const& issuer, Time now) {
  if (now >= issuer.ends) return IssuerState::ended;
  if (now >= issuer.retired_from) return IssuerState::retired;
  return now < issuer.active_from ? IssuerState::published : IssuerState::active;
}

std::string_view to_string(IssuerState state) {
  switch (state) {
    case IssuerState::published:
      return "published";
    case IssuerState::active:
      return "active";
    case IssuerState::retired:
      return "retired";
    case IssuerState::ended:
      return "ended";
  }
  bug("unknown IssuerState");
}

namespace {

bool lists(IssuerRule const& issuer, Profile const& profile) {
  return issuer.profiles.empty() || std::ranges::find(issuer.profiles, profile.name) != issuer.profiles.end();
}

}  // namespace

Result<> check_serves(IssuerRule const& issuer, Profile const& profile, Time now) {
  if (profile.signs_ocsp()) return {};
  if (now >= issuer.retired_from)
    return Error(Errc::unavailable, "the issuer " + issuer.name + " is retired since " +
                                        to_rfc3339(issuer.retired_from) + ", and another signs in its place");
  if (now < issuer.active_from)
    return Error(Errc::unavailable,
                 "the issuer " + issuer.name + " signs only from " + to_rfc3339(issuer.active_from) + " on");
  if (!lists(issuer, profile))
    return Error(Errc::invalid_profile,
                 "the issuer " + issuer.name + " does not serve profile " + profile.name + "; see its issuer.toml");
  return {};
}

namespace {

// All of it, but for what is excluded below it.
bool is_permitted(x509::DnsSubtree const& subtree, x509::NameConstraints const& by) {
  auto const has = [&](x509::DnsSubtree const& each) { return each.contains(subtree); };
  return by.is_known() && !by.excludes_all_dns && std::ranges::none_of(by.excluded_dns, has) &&
         (by.permitted_dns.empty() || std::ranges::any_of(by.permitted_dns, has));
}

x509::IpBlock all_of_kind(x509::IpBlock const& block) {
  return block.base().is_v6() ? x509::IpBlock::all_v6() : x509::IpBlock::all_v4();
}

// Of one kind of address: is it shut off as a whole?
bool excludes(x509::NameConstraints const& constraints, x509::IpBlock const& all) {
  return std::ranges::find(constraints.excluded_ip, all) != constraints.excluded_ip.end();
}

bool limits_ip(x509::NameConstraints const& constraints, x509::IpBlock const& all) {
  auto const is = [&](x509::IpBlock const& block) { return all.contains(block); };
  return excludes(constraints, all) || std::ranges::any_of(constraints.permitted_ip, is);
}

bool limits_dns(x509::NameConstraints const& constraints) {
  return constraints.excludes_all_dns || !constraints.permitted_dns.empty();
}

// What `outer` excludes has to be excluded by `inner`, unless nothing of it is permitted there anyway.
bool keeps_exclusions(x509::NameConstraints const& inner, x509::NameConstraints const& outer) {
  auto const keeps_name = [&](x509::DnsSubtree const& name) {
    auto const is_below = [&](x509::DnsSubtree const& each) { return name.contains(each); };
    auto const reaches = [&](x509::DnsSubtree const& each) { return each.contains(name); };
    return std::ranges::any_of(inner.excluded_dns, reaches) ||
           (limits_dns(inner) && std::ranges::none_of(inner.permitted_dns, [&](x509::DnsSubtree const& each) {
              return is_below(each) || reaches(each);
            }));
  };
  auto const keeps_block = [&](x509::IpBlock const& block) {
    auto const has = [&](x509::IpBlock const& each) { return each.contains(block); };
    auto const meets = [&](x509::IpBlock const& each) { return each.contains(block) || block.contains(each); };
    auto const all = all_of_kind(block);
    return std::ranges::any_of(inner.excluded_ip, has) ||
           (limits_ip(inner, all) && std::ranges::none_of(inner.permitted_ip, meets));
  };
  return std::ranges::all_of(outer.excluded_dns, keeps_name) && std::ranges::all_of(outer.excluded_ip, keeps_block);
}

}  // namespace

bool is_narrower_or_equal(std::optional<x509::NameConstraints> const& inner,
                          std::optional<x509::NameConstraints> const& outer) {
  if (!outer) return true;
  if (!inner) return false;
  if (limits_dns(*outer) && !limits_dns(*inner)) return false;
  for (auto const& all : {x509::IpBlock::all_v4(), x509::IpBlock::all_v6()})
    if (limits_ip(*outer, all) && !limits_ip(*inner, all)) return false;
  auto const dns = [&](x509::DnsSubtree const& each) { return is_permitted(each, *outer); };
  auto const ip = [&](x509::IpBlock const& block) {
    auto const all = all_of_kind(block);
    if (!limits_ip(*outer, all)) return true;
    return std::ranges::any_of(outer->permitted_ip, [&](x509::IpBlock const& each) { return each.contains(block); });
  };
  return std::ranges::all_of(inner->permitted_dns, dns) && std::ranges::all_of(inner->permitted_ip, ip) &&
         keeps_exclusions(*inner, *outer);
}

namespace {

bool may_issue(IssuerRule const& issuer, Profile const& profile, x509::NameSet const& names, Time now) {
  if (state_at(issuer, now) != IssuerState::active || now < issuer.begins) return false;
  if (!check_serves(issuer, profile, now)) return false;
  auto const has = [&](ExtendedKeyUsage usage) {
    return usage == ExtendedKeyUsage::ocsp_signing || std::ranges::find(issuer.usages, usage) != issuer.usages.end();
  };
  if (!std::ranges::all_of(profile.extended_key_usage, has)) return false;
  return std::ranges::all_of(issuer.limits, [&](NameLimit const& limit) { return limit.constraints.test(names).ok(); });
}

// Does `a` come before `b`, where neither's constraints lie inside the other's?
bool is_later(IssuerRule const& a, IssuerRule const& b) {
  return a.active_from != b.active_from ? a.active_from > b.active_from : a.name < b.name;
}

bool is_inside(IssuerRule const& a, IssuerRule const& b) {
  return is_narrower_or_equal(a.constraints, b.constraints) && !is_narrower_or_equal(b.constraints, a.constraints);
}

}  // namespace

std::optional<std::size_t> choose_issuer(std::vector<IssuerRule> const& all, Profile const& profile,
                                         x509::NameSet const& names, Time now) {
  std::vector<std::size_t> able;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (may_issue(all[i], profile, names, now)) able.push_back(i);
  if (std::ranges::any_of(able, [&](std::size_t i) { return !all[i].is_default; }))
    std::erase_if(able, [&](std::size_t i) { return all[i].is_default; });
  auto const is_wider = [&](std::size_t i) {
    return std::ranges::any_of(able, [&](std::size_t j) { return is_inside(all[j], all[i]); });
  };
  std::optional<std::size_t> best;
  for (std::size_t const i : able)
    if (!is_wider(i) && (!best || is_later(all[i], all[*best]))) best = i;
  return best;
}

std::size_t default_at(std::vector<IssuerRule> const& all, Time now) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_default || now < all[i].active_from) continue;
    if (!found || all[i].active_from > all[*found].active_from) found = i;
  }
  if (found) return *found;
  // None has become active yet: the clock is wrong, and the first says so.
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].is_default) return i;
  bug("a CA without a default issuer");
}

}  // namespace lenscap::ca
