#include "base/net/address_group.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace lenscap::net {

std::string address_group(std::string const& peer) {
  boost::system::error_code ec;
  auto const address = boost::asio::ip::make_address(peer, ec);
  if (ec || !address.is_v6() || address.to_v6().is_v4_mapped()) return peer;
  auto octets = address.to_v6().to_bytes();
  std::fill(octets.begin() + 8, octets.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::make_address_v6(octets).to_string() + "/64";
}

}  // namespace lenscap::net
