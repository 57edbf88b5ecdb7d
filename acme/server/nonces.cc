#include "acme/server/nonces.h"

#include <unistd.h>

#include <array>
#include <cstring>

#include "base/file.h"
#include "base/random.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kBlockBytes = 16;
constexpr std::string_view kFileMagic = "lenscap-nonces-1";

using Block = std::array<std::uint8_t, kBlockBytes>;

void put_u64(std::uint8_t* out, std::uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

std::uint64_t get_u64(std::uint8_t const* in) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | in[i];
  return value;
}

ossl::CipherCtxPtr make_cipher(SecretBytes const& key, bool encrypt) {
  ossl::CipherCtxPtr ctx(EVP_CIPHER_CTX_new());
  ossl::check(ctx != nullptr, "EVP_CIPHER_CTX_new");
  ossl::check(
      EVP_CipherInit_ex2(ctx.get(), EVP_aes_256_ecb(), key.view().data(), nullptr, encrypt ? 1 : 0, nullptr) == 1,
      "AES-256");
  EVP_CIPHER_CTX_set_padding(ctx.get(), 0);
  return ctx;
}

Block through(EVP_CIPHER_CTX* ctx, Block const& in) {
  Block out;
  int size = 0;
  ossl::check(EVP_CipherUpdate(ctx, out.data(), &size, in.data(), kBlockBytes) == 1 && size == kBlockBytes, "AES-256");
  return out;
}

Error refused() {
  return Error(Errc::bad_nonce, "the nonce is unknown, expired or used; take the fresh one of this answer");
}

}  // namespace

Nonces::Nonces() : used_(kWindow / 64) {
  auto mark = random_bytes(8);
  begin_series(SecretBytes(random_bytes(kKeyBytes)), get_u64(mark.data()), 0);
}

void Nonces::begin_series(SecretBytes key, std::uint64_t mark, std::uint64_t next) {
  encrypt_ = make_cipher(key, true);
  decrypt_ = make_cipher(key, false);
  key_ = std::move(key);
  mark_ = mark;
  next_ = next;
}

std::string Nonces::issue() {
  Block plain;
  std::lock_guard lock(mutex_);
  auto const counter = next_++;
  used_[counter % kWindow / 64] &= ~(1ULL << counter % 64);  // the place of a nonce that has now expired
  put_u64(plain.data(), counter);
  put_u64(plain.data() + 8, mark_);
  return to_base64url(through(encrypt_.get(), plain));
}

Result<> Nonces::redeem(std::string_view nonce) {
  auto octets = from_base64url(nonce);
  if (!octets || octets->empty()) return Error(Errc::malformed, "the nonce is not base64url text");
  if (octets->size() != kBlockBytes) return refused();
  Block block;
  std::memcpy(block.data(), octets->data(), kBlockBytes);

  std::lock_guard lock(mutex_);
  auto const plain = through(decrypt_.get(), block);
  auto const counter = get_u64(plain.data());
  if (get_u64(plain.data() + 8) != mark_ || counter >= next_ || next_ - counter > kWindow) return refused();
  auto& word = used_[counter % kWindow / 64];
  auto const bit = 1ULL << counter % 64;
  if ((word & bit) != 0) return refused();
  word |= bit;
  return {};
}

Result<> Nonces::save(std::string const& path) const {
  std::lock_guard lock(mutex_);
  std::string text(kFileMagic);
  std::array<std::uint8_t, 16> numbers{};
  put_u64(numbers.data(), mark_);
  put_u64(numbers.data() + 8, next_);
  text += as_text(numbers);
  text += key_.text();
  text.append(reinterpret_cast<char const*>(used_.data()), used_.size() * sizeof(std::uint64_t));
  auto written = write_file(path, text, 0600);
  OPENSSL_cleanse(text.data(), text.size());
  return written;
}

void Nonces::load(std::string const& path) {
  auto text = read_file(path, kWindow);
  // Gone before the first nonce of the new process: a later crash must not bring this state back, or a nonce that was
  // used meanwhile would be good again.
  if (::unlink(path.c_str()) != 0 || !text) return;
  auto const bitmap_bytes = used_.size() * sizeof(std::uint64_t);
  auto const head = kFileMagic.size() + 16 + kKeyBytes;
  if (text->size() != head + bitmap_bytes || !text->starts_with(kFileMagic)) return;

  std::lock_guard lock(mutex_);
  auto const* data = reinterpret_cast<std::uint8_t const*>(text->data()) + kFileMagic.size();
  begin_series(SecretBytes(Bytes(data + 16, data + 16 + kKeyBytes)), get_u64(data), get_u64(data + 8));
  std::memcpy(used_.data(), text->data() + head, bitmap_bytes);
  OPENSSL_cleanse(text->data(), text->size());
}

}  // namespace lenscap::acme
