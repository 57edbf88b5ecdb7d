// A request and an answer as the simulator's handlers see them, and the tricks that an answer may play on the wire.
// Beast stays in server.cc. Everything here lives on the one network thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lenscap::camsim {

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  bool tls = false;
  std::string tls_version;  // "TLSv1.3"; empty on plain HTTP
  std::string sni;          // what the client asked for; never looked at by the device
  std::string peer;         // the client's address
  std::string method;
  std::string target;  // as sent: path and query
  std::string path;    // the part before '?', not decoded
  std::string query;   // the part after '?', not decoded
  std::vector<Header> headers;
  std::string body;
  int refuse = 0;  // 413 or 414 when the wire layer gave up on the request; the body is then empty

  std::string header(std::string_view name) const;  // first value, names without case; empty when absent
};

// What the connection does with the answer. All but `plain` are faults, and end the connection.
enum class Wire {
  plain,
  silent,       // says nothing until the client gives up
  reset_after,  // sends `wire_bytes` octets of the answer, then a TCP reset
  drip,         // one octet every `wire_interval_ms` of real time
  lost,         // the work is done, the connection closes without an answer
};

struct Response {
  int status = 200;
  std::string content_type{};
  std::string body{};
  std::vector<Header> headers{};
  bool close = false;
  Wire wire = Wire::plain;
  std::size_t wire_bytes = 0;
  int wire_interval_ms = 1000;
  std::function<void()> after{};  // runs once the last octet is handed to the kernel, or could not be
};

using Reply = std::function<void(Response)>;  // at most once; may be called after the handler has returned
using Handler = std::function<void(Request, Reply)>;

}  // namespace lenscap::camsim
