#include "base/sealed_stream.h"

#include <openssl/kdf.h>

#include <array>
#include <istream>
#include <ostream>
#include <streambuf>

#include "base/ossl.h"
#include "base/random.h"

namespace lenscap {
namespace {

constexpr std::string_view kMagic = "LENSCAP-SEALED-1\n";
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHeaderBytes = kMagic.size() + 1 + kSaltBytes;
constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr std::size_t kTagBytes = 16;
constexpr std::uint32_t kLast = 0x8000'0000U;
constexpr int kLogNMin = 10;

SecretBytes key_of(SecretBytes const& passphrase, ByteView salt, int log_n) {
  constexpr std::uint64_t kMemoryMax = 256ULL * 1024 * 1024;
  Bytes key(32);
  ossl::check(EVP_PBE_scrypt(passphrase.text().data(), passphrase.size(), salt.data(), salt.size(), 1ULL << log_n, 8, 1,
                             kMemoryMax, key.data(), key.size()) == 1,
              "scrypt");
  return SecretBytes(std::move(key));
}

std::array<std::uint8_t, 12> nonce_of(std::uint64_t number) {
  std::array<std::uint8_t, 12> nonce{};
  for (std::size_t i = nonce.size(); number != 0; number >>= 8) nonce[--i] = static_cast<std::uint8_t>(number);
  return nonce;
}

// What both directions share: the key, the header that every chunk is bound to, and the number of the next chunk.
struct Chunks {
  SecretBytes key;
  Bytes header;
  std::uint64_t number = 0;

  Bytes bound_to(bool last) const {
    Bytes octets = header;
    octets.push_back(last ? 1 : 0);
    return octets;
  }

  // Cipher text with the tag behind it.
  Bytes seal(ByteView plain, bool last) {
    auto const nonce = nonce_of(number++);
    auto const bound = bound_to(last);
    Bytes box(plain.size() + kTagBytes);
    ossl::CipherCtxPtr const ctx(EVP_CIPHER_CTX_new());
    int size = 0;
    ossl::check(
        ctx && EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key.view().data(), nonce.data()) == 1 &&
            EVP_EncryptUpdate(ctx.get(), nullptr, &size, bound.data(), static_cast<int>(bound.size())) == 1 &&
            EVP_EncryptUpdate(ctx.get(), box.data(), &size, plain.data(), static_cast<int>(plain.size())) == 1 &&
            EVP_EncryptFinal_ex(ctx.get(), box.data() + size, &size) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, box.data() + plain.size()) == 1,
        "sealing a chunk");
    return box;
  }

  std::optional<Bytes> open(Bytes& box, bool last) {
    auto const nonce = nonce_of(number++);
    auto const bound = bound_to(last);
    auto const length = box.size() - kTagBytes;
    Bytes plain(length);
    ossl::CipherCtxPtr const ctx(EVP_CIPHER_CTX_new());
    int size = 0;
    ossl::check(ctx &&
                    EVP_DecryptInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, key.view().data(), nonce.data()) == 1 &&
                    EVP_DecryptUpdate(ctx.get(), nullptr, &size, bound.data(), static_cast<int>(bound.size())) == 1 &&
                    EVP_DecryptUpdate(ctx.get(), plain.data(), &size, box.data(), static_cast<int>(length)) == 1 &&
                    EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, box.data() + length) == 1,
                "opening a chunk");
    std::array<std::uint8_t, kTagBytes> rest{};  // GCM leaves nothing for the end
    if (EVP_DecryptFinal_ex(ctx.get(), rest.data(), &size) == 1) return plain;
    ossl::take_errors();
    return std::nullopt;
  }
};

}  // namespace

// --- writing ---

class SealedOutput::Buffer final : public std::streambuf {
 public:
  Buffer(std::ostream& out, SecretBytes const& passphrase, int log_n) : out_(out), plain_(kChunkBytes) {
    chunks_.header = to_bytes(kMagic);
    chunks_.header.push_back(static_cast<std::uint8_t>(log_n));
    auto const salt = random_bytes(kSaltBytes);
    chunks_.header.insert(chunks_.header.end(), salt.begin(), salt.end());
    chunks_.key = key_of(passphrase, salt, log_n);
    put(chunks_.header);
    start();
  }
  ~Buffer() override { OPENSSL_cleanse(plain_.data(), plain_.size()); }

  bool write_chunk(bool last) {
    auto const length = static_cast<std::size_t>(pptr() - pbase());
    auto const box = chunks_.seal(as_bytes(std::string_view(pbase(), length)), last);
    auto const word = static_cast<std::uint32_t>(length) | (last ? kLast : 0);
    Bytes head;
    for (int shift = 24; shift >= 0; shift -= 8) head.push_back(static_cast<std::uint8_t>(word >> shift));
    put(head);
    put(box);
    start();
    return static_cast<bool>(out_);
  }
  bool flush() { return static_cast<bool>(out_.flush()); }

 protected:
  int_type overflow(int_type c) override {
    if (!write_chunk(false)) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  int sync() override { return 0; }  // a chunk is written when it is full

 private:
  void start() { setp(plain_.data(), plain_.data() + plain_.size()); }
  void put(ByteView octets) { out_.write(as_text(octets).data(), static_cast<std::streamsize>(octets.size())); }

  std::ostream& out_;
  std::vector<char> plain_;
  Chunks chunks_;
};

SealedOutput::SealedOutput(std::ostream& out, SecretBytes const& passphrase, int log_n)
    : buffer_(std::make_unique<Buffer>(out, passphrase, log_n)),
      stream_(std::make_unique<std::ostream>(buffer_.get())) {}
SealedOutput::~SealedOutput() = default;
std::ostream& SealedOutput::stream() { return *stream_; }

Result<> SealedOutput::finish() {
  if (*stream_ && buffer_->write_chunk(true) && buffer_->flush()) return {};
  return Error(Errc::file, "the sealed file could not be written; is the disk full?");
}

// --- reading ---

class SealedInput::Buffer final : public std::streambuf {
 public:
  explicit Buffer(std::istream& in) : in_(in) {}
  ~Buffer() override { wipe(); }

  Result<> read_header(SecretBytes const& passphrase) {
    Error const refusal(Errc::malformed, "this is not a sealed file of this program");
    Bytes header(kHeaderBytes);
    if (!get(header) || !as_text(header).starts_with(kMagic)) return refusal;
    int const log_n = header[kMagic.size()];
    if (log_n < kLogNMin || log_n > kSealedLogN) return refusal;
    auto const salt = ByteView(header).last(kSaltBytes);
    chunks_.key = key_of(passphrase, salt, log_n);
    chunks_.header = std::move(header);
    if (read_chunk()) return {};
    return Error(Errc::wrong_passphrase,
                 "the file does not open: the passphrase is another one, or the file is damaged");
  }

  bool is_whole() { return ended_ && gptr() == egptr() && in_.peek() == std::istream::traits_type::eof(); }

 protected:
  int_type underflow() override {
    while (gptr() == egptr())
      if (ended_ || !read_chunk()) return traits_type::eof();
    return traits_type::to_int_type(*gptr());
  }

 private:
  bool get(Bytes& octets) {
    in_.read(reinterpret_cast<char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
    return static_cast<std::size_t>(in_.gcount()) == octets.size();
  }

  bool read_chunk() {
    if (broken_) return false;
    broken_ = true;  // until it is found good
    Bytes head(4);
    if (!get(head)) return false;
    std::uint32_t word = 0;
    for (auto const octet : head) word = word << 8 | octet;
    bool const last = (word & kLast) != 0;
    std::size_t const length = word & ~kLast;
    if (length > kChunkBytes) return false;
    Bytes box(length + kTagBytes);
    if (!get(box)) return false;
    auto plain = chunks_.open(box, last);
    if (!plain) return false;
    wipe();
    plain_ = *std::move(plain);
    auto* const begin = reinterpret_cast<char*>(plain_.data());
    setg(begin, begin, begin + plain_.size());
    ended_ = last;
    broken_ = false;
    return true;
  }
  void wipe() {
    if (!plain_.empty()) OPENSSL_cleanse(plain_.data(), plain_.size());
  }

  std::istream& in_;
  Bytes plain_;
  Chunks chunks_;
  bool ended_ = false;
  bool broken_ = false;
};

SealedInput::SealedInput(std::unique_ptr<Buffer> buffer)
    : buffer_(std::move(buffer)), stream_(std::make_unique<std::istream>(buffer_.get())) {}
SealedInput::~SealedInput() = default;

Result<std::unique_ptr<SealedInput>> SealedInput::open(std::istream& in, SecretBytes const& passphrase) {
  auto buffer = std::make_unique<Buffer>(in);
  CHECK_OK(buffer->read_header(passphrase));
  return std::unique_ptr<SealedInput>(new SealedInput(std::move(buffer)));
}

std::istream& SealedInput::stream() { return *stream_; }

Result<> SealedInput::check_end() {
  if (buffer_->is_whole()) return {};
  return Error(Errc::malformed, "the file is damaged, was cut, or has something behind its end");
}

}  // namespace lenscap
