#include "plugins/grafana/database/secret_blob.h"

#include <algorithm>

#include "crypto/base64.h"
#include "crypto/pbkdf2_aes.h"
#include "crypto/random.h"
#include "plugins/grafana/database/characters.h"

namespace coffer::grafana {
namespace {

constexpr char kDataKeyMark = '#';
constexpr char kCipherMark = '*';
constexpr std::string_view kCfbName = "aes-cfb";
constexpr std::string_view kGcmName = "aes-gcm";
constexpr std::size_t kSaltSize = 8;
constexpr std::uint32_t kIterations = 10'000;

Error NoBlob() { return {ErrorCode::kInvalidArgument, "is no value as Grafana encrypts it"}; }

constexpr std::size_t RawBase64Size(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

std::string ToRawBase64(std::string_view text) {
  std::string encoded = ToBase64(AsBytes(text));
  encoded.erase(std::min(encoded.find('='), encoded.size()));
  return encoded;
}

Result<std::string> FromRawBase64(std::string_view encoded) {
  if (encoded.find('=') != std::string_view::npos) return NoBlob();
  std::string padded(encoded);
  padded.append((4 - padded.size() % 4) % 4, '=');
  const auto bytes = FromBase64(padded);
  if (!bytes.ok()) return NoBlob();
  return std::string(AsText(*bytes));
}

// Takes `mark` base64 `mark` from the front of `rest`, and nothing when it does not begin with the mark.
Result<std::optional<std::string>> TakeMarked(std::string_view& rest, char mark, std::size_t max_size) {
  if (!rest.starts_with(mark)) return std::optional<std::string>();
  const std::string_view front = rest.substr(1, RawBase64Size(max_size) + 1);
  const std::size_t end = front.find(mark);
  if (end == std::string_view::npos) return NoBlob();
  COFFER_ASSIGN_OR_RETURN(std::string decoded, FromRawBase64(front.substr(0, end)));
  rest.remove_prefix(1 + end + 1);
  return std::optional(std::move(decoded));
}

bool IsDataKeyId(std::string_view id) {
  return !id.empty() && id.size() <= SecretBlob::kMaxDataKeyId && IsUtf8(id) &&
         std::none_of(id.begin(), id.end(), IsControl);
}

Status TakeDataKey(std::string_view& rest, SecretBlob& blob) {
  COFFER_ASSIGN_OR_RETURN(blob.data_key, TakeMarked(rest, kDataKeyMark, SecretBlob::kMaxDataKeyId));
  if (blob.data_key && !IsDataKeyId(*blob.data_key)) return NoBlob();
  return {};
}

Status TakeCipher(std::string_view& rest, SecretBlob& blob) {
  COFFER_ASSIGN_OR_RETURN(const std::optional<std::string> name, TakeMarked(rest, kCipherMark, kCfbName.size()));
  blob.names_cipher = name.has_value();
  blob.empty_name = name && name->empty();
  if (!blob.names_cipher || blob.empty_name || name == kCfbName) return {};
  if (name != kGcmName) return NoBlob();
  blob.cipher = BlobCipher::kAesGcm;
  return {};
}

std::size_t IvSize(BlobCipher cipher) { return cipher == BlobCipher::kAesGcm ? kGcmNonceSize : kCfbIvSize; }

// salt, IV and body.
Status TakeContent(std::string_view rest, SecretBlob& blob) {
  const std::size_t iv_size = IvSize(blob.cipher);
  const std::size_t least_body = blob.cipher == BlobCipher::kAesGcm ? kGcmTagSize : 0;
  if (rest.size() < kSaltSize + iv_size + least_body) return NoBlob();
  const std::string_view salt = rest.substr(0, kSaltSize);
  if (!blob.names_cipher && !std::all_of(salt.begin(), salt.end(), IsAlphanumeric)) return NoBlob();
  blob.salt = CopyOf(AsBytes(salt));
  blob.iv = CopyOf(AsBytes(rest.substr(kSaltSize, iv_size)));
  blob.body = CopyOf(AsBytes(rest.substr(kSaltSize + iv_size)));
  return {};
}

std::string CipherPrefix(const SecretBlob& blob) {
  if (!blob.names_cipher) return {};
  const std::string_view name = blob.cipher == BlobCipher::kAesGcm ? kGcmName : kCfbName;
  return kCipherMark + ToRawBase64(blob.empty_name ? "" : name) + kCipherMark;
}

Bytes RandomBytes(std::size_t size) {
  Bytes bytes(size);
  FillRandom(bytes);
  return bytes;
}

// Letters and digits, as Grafana's: an aes-cfb blob that does not name its cipher is known by them.
Bytes RandomSalt() {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::byte kSixBits{63};
  Bytes salt;
  while (salt.size() < kSaltSize) {
    for (const std::byte random : RandomBytes(kSaltSize)) {
      const auto letter = std::to_integer<std::size_t>(random & kSixBits);
      if (letter < kAlphabet.size() && salt.size() < kSaltSize) salt.push_back(std::byte(kAlphabet[letter]));
    }
  }
  return salt;
}

}  // namespace

Result<SecretBlob> SecretBlob::Parse(ByteView bytes) {
  if (bytes.size() > kMaxSize) {
    return Error(ErrorCode::kInvalidArgument, "is longer than an encrypted value of Grafana's, in bytes")
        .WithLimit(kMaxSize);
  }
  std::string_view rest = AsText(bytes);
  SecretBlob blob;
  COFFER_TRY(TakeDataKey(rest, blob));
  COFFER_TRY(TakeCipher(rest, blob));
  COFFER_TRY(TakeContent(rest, blob));
  return blob;
}

Bytes SecretBlob::ToBytes() const {
  Bytes bytes;
  if (data_key) bytes = CopyOf(AsBytes(kDataKeyMark + ToRawBase64(*data_key) + kDataKeyMark));
  Append(bytes, AsBytes(CipherPrefix(*this)));
  for (const Bytes* part : {&salt, &iv, &body}) Append(bytes, *part);
  return bytes;
}

Result<SecretBytes> SecretBlob::Decrypt(const SecretBytes& passphrase) const {
  const SecretBytes key = Pbkdf2HmacSha256(passphrase, salt, kIterations);
  return cipher == BlobCipher::kAesGcm ? AesGcmDecrypt(key, iv, body) : AesCfbDecrypt(key, iv, body);
}

SecretBlob SecretBlob::Encrypt(const SecretBytes& plaintext, const SecretBytes& passphrase, BlobCipher cipher,
                               std::optional<std::string> data_key) {
  SecretBlob form;
  form.data_key = std::move(data_key);
  form.cipher = cipher;
  return form.EncryptAlike(plaintext, passphrase);
}

SecretBlob SecretBlob::EncryptAlike(const SecretBytes& plaintext, const SecretBytes& passphrase) const {
  COFFER_CHECK(plaintext.size() <= kMaxSize - 1024 && (!data_key || IsDataKeyId(*data_key)));
  SecretBlob blob;
  blob.data_key = data_key;
  blob.cipher = cipher;
  blob.names_cipher = names_cipher;
  blob.empty_name = empty_name;
  blob.salt = RandomSalt();
  blob.iv = RandomBytes(IvSize(cipher));
  const SecretBytes key = Pbkdf2HmacSha256(passphrase, blob.salt, kIterations);
  auto encrypted =
      cipher == BlobCipher::kAesGcm ? AesGcmEncrypt(key, blob.iv, plaintext) : AesCfbEncrypt(key, blob.iv, plaintext);
  blob.body = std::move(encrypted).value();
  return blob;
}

}  // namespace coffer::grafana
