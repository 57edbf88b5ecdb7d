// Writing DER (X.690): what certificates need beyond the writer of base/x509/der.h. It does NOT read; certificates are
// read by OpenSSL and by the linter's own walk.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/time.h"
#include "base/x509/der.h"

namespace lenscap::ca::der {

using x509::der::context;
using x509::der::context_constructed;
using x509::der::element;
using x509::der::kSequence;
using x509::der::kSet;
using x509::der::unsigned_integer;

Bytes join(std::initializer_list<ByteView> parts);
Bytes sequence(std::initializer_list<ByteView> parts);

Bytes boolean_true();
Bytes small_integer(int value);  // 0..127
Bytes null();
Bytes oid(std::string_view dotted);
Bytes utf8_string(std::string_view text);
Bytes bit_string(ByteView octets, int unused_bits = 0);
Bytes octet_string(ByteView octets);
// UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5).
Bytes time(Time when);

}  // namespace lenscap::ca::der
