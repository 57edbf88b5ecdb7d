// pwdgrp.cgi: accounts. The first one is made without a login.
#include <algorithm>

#include "tests/camsim/cgi.h"
#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr std::size_t kUserNameMax = 14;

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= kUserNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) { return isalnum(static_cast<unsigned char>(c)) != 0; });
}

Response error(std::string const& text, int status = 200) {
  Response response = plain_text("Error: " + text + "\n");
  response.status = status;
  return response;
}

Response add(Exchange& x) {
  State& state = x.device->state;
  std::string const name = form_field(x.request, "user").value_or("");
  std::string const password = form_field(x.request, "pwd").value_or("");
  std::vector<std::string> const groups = split(form_field(x.request, "sgrp").value_or(""), ':');
  User const user{password, groups};
  if (state.needs_setup() && (user.role() != Role::admin || (name != "root" && state.switches.first_user == "root")))
    return error("not a valid initial admin user.", 401);
  if (!is_user_name(name) || password.empty() || user.role() == Role::none) return error("bad user, pwd or sgrp.");
  if (state.users.contains(name)) return error("account already exist.");
  state.users[name] = user;
  return plain_text("Created account " + name + ".\n");
}

Response update(Exchange& x) {
  auto const found = x.device->state.users.find(form_field(x.request, "user").value_or(""));
  if (found == x.device->state.users.end()) return error("account does not exist.");
  if (auto password = form_field(x.request, "pwd")) found->second.password = *password;
  if (auto groups = form_field(x.request, "sgrp")) found->second.groups = split(*groups, ':');
  return plain_text("Modified account " + found->first + ".\n");
}

Response remove(Exchange& x) {
  std::string const name = form_field(x.request, "user").value_or("");
  if (name == "root" || x.device->state.users.erase(name) == 0) return error("account cannot be removed.");
  return plain_text("Removed account " + name + ".\n");
}

Response get(Exchange const& x) {
  std::string out;
  for (char const* group : {"admin", "operator", "viewer", "ptz"}) {
    std::string names;
    for (auto const& [name, user] : x.device->state.users)
      if (std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end())
        names += (names.empty() ? "" : ",") + name;
    out += std::string(group) + "=\"" + names + "\"\n";
  }
  std::string all;
  for (auto const& [name, user] : x.device->state.users) all += (all.empty() ? "" : ",") + name;
  return plain_text(out + "digusers=\"" + all + "\"\n");
}

}  // namespace

Outcome pwdgrp_cgi(Exchange& x) {
  std::string const action = form_field(x.request, "action").value_or("");
  if (action == "add") return add(x);
  if (x.device->state.needs_setup()) return error("initial admin user must be created first.", 401);
  if (action == "update") return update(x);
  if (action == "remove") return remove(x);
  if (action == "get") return get(x);
  return error("unknown action.");
}

}  // namespace lenscap::camsim
