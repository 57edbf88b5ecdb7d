// The compiled halves of Asio and Beast for this program (BOOST_ASIO_SEPARATE_COMPILATION). The simulator links nothing
// of base/net, so it carries its own.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
