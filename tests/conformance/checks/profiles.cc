// The profiles draft.
#include "tests/conformance/probe.h"

namespace lenscap::conformance {
namespace {

json::Object profiles(Probe& p) {
  auto const meta = p.meta();
  auto const* found = meta.find("profiles");
  if (found == nullptr) p.skip("the directory announces no profiles");
  p.require(found->as_object() != nullptr && !found->as_object()->empty(), "meta.profiles is no object with members");
  return *found->as_object();
}

void announced(Probe& p) {
  auto const list = profiles(p);
  for (auto const& [name, description] : list.members())
    p.expect(!name.empty() && description.as_string() != nullptr && !description.as_string()->empty(),
             "the profile " + name + " has no description");
}

void unknown(Probe& p) {
  profiles(p);
  p.expect_problem(p.try_order(p.account(), {{"dns", p.fresh_name()}}, {{"profile", "no-such-profile"}}), {},
                   {"invalidProfile"}, "an unknown profile");
}

void shown(Probe& p) {
  bool any = false;
  auto& account = p.account();
  auto const list = profiles(p);
  for (auto const& [name, description] : list.members()) {
    auto const answer = p.try_order(account, {{"dns", p.fresh_name()}}, {{"profile", name}});
    if (answer.problem() == "invalidProfile") continue;  // not for this account
    p.require(answer.status == 201, "the announced profile " + name + " got " + std::to_string(answer.status));
    p.expect(answer.text("profile") == name, "the order does not show its profile " + name);
    p.expect(p.read(account, answer.header("Location")).text("profile") == name,
             "the order does not show its profile when it is read");
    any = true;
  }
  p.expect(any, "none of the announced profiles can be ordered");
}

void default_shown(Probe& p) {
  auto const list = profiles(p);
  auto const order = p.dns_order(p.account());
  auto const chosen = order.answer.text("profile");
  p.expect(!chosen.empty() && list.find(chosen) != nullptr, "an order without a profile shows \"" + chosen + "\"");
}

constexpr Check kProfileChecks[] = {
    {"profiles-3-1", "meta.profiles maps names to descriptions", announced},
    {"profiles-4-1", "an unknown profile is invalidProfile", unknown},
    {"profiles-4-2", "the order shows its profile", shown},
    {"profiles-4-3", "a default is chosen and shown", default_shown},
    {"profiles-4-4", "a profile that was withdrawn since the order is invalidProfile at finalize", nullptr,
     "the server's settings would have to change meanwhile"},
};

}  // namespace

std::span<Check const> profile_checks() { return kProfileChecks; }

}  // namespace lenscap::conformance
