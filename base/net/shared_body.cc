#include "base/net/shared_body.h"

#include <algorithm>

namespace lenscap::net {
namespace {

constexpr std::size_t kOfMemory = 256 * 1024;
constexpr std::size_t kOfFile = 64 * 1024;  // of which each connection holds a copy while it sends

}  // namespace

std::size_t SharedBody::size() const {
  if (octets_) return octets_->size();
  return file_ ? file_->size() : 0;
}

std::optional<ByteView> SharedBody::piece(std::size_t at, Bytes& room) const {
  auto const left = size() - at;
  if (octets_) return ByteView(*octets_).subspan(at, std::min(left, kOfMemory));
  room.resize(std::min(left, kOfFile));
  if (!file_->read_at(at, room)) return std::nullopt;
  return room;
}

}  // namespace lenscap::net
