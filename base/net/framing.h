// The gate: where does a request end, and is its framing beyond doubt? (RFC 9112) It reads the raw octets before any
// HTTP library does and refuses everything that two implementations could read in two ways, which is more than the RFC
// asks; departures are marked DIVERGENCE in framing.cc. Pure: octets in, verdict out, no clock, no socket.
// It does NOT judge what a request means: paths, the name in Host, media types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace lenscap::net {

struct FramingLimits {
  std::size_t header_bytes = limits::kRequestHeaderBytes;
  std::size_t body_bytes = limits::kRequestBodyBytes;
  std::size_t request_bytes = limits::kRequestBytes;  // all octets of one request on the wire, chunk framing included
  std::size_t target_bytes = 4 * 1024;                // our own paths have less than 200
  std::size_t fields = 64;                            // a browser sends about 20
};

// What the head of an accepted request says about its own extent.
struct RequestHead {
  enum class Body { none, length, chunked };
  std::string method;
  std::string target;      // origin-form: starts with '/'
  int minor_version = 1;   // HTTP/1.x
  std::size_t octets = 0;  // of the head, final empty line included
  Body body = Body::none;
  std::size_t content_length = 0;  // for Body::length
  bool keep_alive = true;
  bool expects_continue = false;  // "Expect: 100-continue" of HTTP/1.1, and a body is announced
};

// The answer that ends a connection. `reason` is safe to show.
struct FramingRefusal {
  int status = 400;
  std::string_view reason;
};

// Looks at one request in a buffer that grows at its end. Work is linear in the octets, however they are cut.
class RequestGate {
 public:
  enum class State { in_head, in_body, complete, refused };

  explicit RequestGate(FramingLimits limits = {}) : limits_(limits) {}

  // `buffer` starts at the request's first octet and holds everything that came so far; what follows the request (the
  // next one, pipelined) is not looked at. Once complete or refused, further calls change nothing.
  State feed(std::string_view buffer);

  State state() const { return state_; }
  RequestHead const& head() const { return head_; }           // from in_body on
  FramingRefusal const& refusal() const { return refusal_; }  // when refused
  std::size_t octets() const { return position_; }            // when complete: of the whole request on the wire
  std::size_t body_octets() const { return body_octets_; }    // when complete: after decoding
  std::string take_body(std::string_view buffer) const;       // when complete: the decoded body
  bool is_body(std::string_view buffer, std::string_view body) const;  // when complete: is that the decoded body?

 private:
  State refuse(int status, std::string_view reason);
  State scan_head(std::string_view buffer);
  State read_head(std::string_view lines);
  State read_chunk_size(std::string_view buffer);
  State read_length_body(std::string_view buffer);
  State read_chunks(std::string_view buffer);

  enum class Chunk { size, data, last };
  FramingLimits limits_;
  State state_ = State::in_head;
  RequestHead head_;
  FramingRefusal refusal_;
  std::size_t position_ = 0;  // everything before it is understood
  std::size_t body_octets_ = 0;
  std::size_t chunk_left_ = 0;
  Chunk chunk_ = Chunk::size;
};

}  // namespace lenscap::net
