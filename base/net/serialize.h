// An answer as the octets that go on the wire (RFC 9112). Pure but for the clock of HttpDate. It does NOT decide what
// is answered, nor whether the connection goes on.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "base/net/http.h"

namespace lenscap::net {

// No body follows the head of these, whatever the response holds (RFC 9110 6.4.1).
bool has_body(int status);

// Can it go on the wire? A handler that lets a line end into a field has a fault that would split the answer in two.
bool is_sound(Response const& response);

// Of a sound response, with our own fields: Date, Content-Length, Connection. All but a shared body, which the caller
// sends behind it where has_body() says so and the request was no HEAD.
std::string serialize(Response const& response, std::string_view date, bool is_head, bool keep_alive);

// The Date field of answers; made once a second.
class HttpDate {
 public:
  std::string const& text();

 private:
  std::time_t at_ = -1;
  std::string text_;
};

}  // namespace lenscap::net
