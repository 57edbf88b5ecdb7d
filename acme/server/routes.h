// What routes.cc serves, as a list: for the tests, which walk every path there is.
#pragma once

#include <string_view>
#include <vector>

#include "base/net/http.h"

namespace lenscap::acme {

enum class Listening { acme, web };

struct Route {
  net::Method method;
  std::string_view pattern;  // see base/net/router.h
  Listening where;
  bool is_signed;
};

std::vector<Route> all_routes();

}  // namespace lenscap::acme
