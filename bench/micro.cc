// micro: one field encrypted in this process, beside bare OpenSSL and libsodium in the same run. JSON on stdout.
#include <iostream>

#include <openssl/evp.h>
#include <sodium.h>

#include "bench/rounds.h"
#include "crypto/field_cipher.h"
#include "crypto/internal/xaes.h"
#include "crypto/value.h"

namespace coffer::bench {
namespace {

// What one does without this library: EVP with a cached cipher and key, a new nonce a message.
class BareGcm {
 public:
  BareGcm() { EVP_EncryptInit_ex(context_, cipher_, nullptr, key_, nullptr); }
  ~BareGcm() {
    EVP_CIPHER_CTX_free(context_);
    EVP_CIPHER_free(cipher_);
  }
  void Encrypt(ByteView plaintext, ByteView ad, unsigned char* out) {
    int size = 0;
    ++nonce_[0];
    EVP_EncryptInit_ex(context_, nullptr, nullptr, nullptr, nonce_);
    EVP_EncryptUpdate(context_, nullptr, &size, AsUnsigned(ByteView(ad)), static_cast<int>(ad.size()));
    EVP_EncryptUpdate(context_, out, &size, AsUnsigned(plaintext), static_cast<int>(plaintext.size()));
    EVP_EncryptFinal_ex(context_, out + size, &size);
    EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, 16, out + plaintext.size());
  }

 private:
  EVP_CIPHER* cipher_ = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  EVP_CIPHER_CTX* context_ = EVP_CIPHER_CTX_new();
  unsigned char key_[32] = {1};
  unsigned char nonce_[12] = {};
};

struct Workload {
  Bytes plaintext;
  Bytes row;
  Bytes out;
};

Workload MakeWorkload(std::size_t size) {
  Workload workload{.plaintext = Bytes(size, std::byte{'p'}), .row = {}, .out = Bytes(size + 256)};
  const std::array<ScalarView, 1> row{std::int64_t{42}};
  if (!EncodeRow(row, workload.row).ok()) std::abort();
  return workload;
}

FieldCipher MakeCipher(Suite suite) {
  const FieldForm form{.suite = suite, .pad_multiple = 0, .row_bound = true, .context_bound = false};
  return FieldCipher::Create(RandomSecret(32), KeyId::Generate(), form, {.scope = {}, .tenant = {}, .field = {}})
      .value();
}

Contestant FieldEncrypt(std::string name, Suite suite, Workload& workload) {
  auto cipher = std::make_shared<FieldCipher>(MakeCipher(suite));
  const MutableBytes out = MutableBytes(workload.out).first(cipher->form().CiphertextSize(workload.plaintext.size()));
  return {std::move(name), [cipher, out, &workload] {
            if (!cipher->Encrypt(workload.plaintext, {.row = workload.row, .context = {}}, out).ok()) std::abort();
          }};
}

Contestant FieldDecrypt(std::string name, Suite suite, const Workload& workload) {
  auto cipher = std::make_shared<FieldCipher>(MakeCipher(suite));
  auto ciphertext = std::make_shared<Bytes>(cipher->form().CiphertextSize(workload.plaintext.size()));
  const Binding place = {.row = workload.row, .context = {}};
  if (!cipher->Encrypt(workload.plaintext, place, *ciphertext).ok()) std::abort();
  return {std::move(name), [cipher, ciphertext, place] {
            if (!cipher->Decrypt(*ciphertext, place).ok()) std::abort();
          }};
}

Contestant XaesOn(std::string name, internal::GcmBackend backend, Workload& workload) {
  const SecretBytes key = RandomSecret(32);
  auto xaes =
      std::make_shared<internal::XaesKey>(internal::XaesKey::Create(key.Expose(SecretAccess::kTest), backend).value());
  const MutableBytes out = MutableBytes(workload.out).first(workload.plaintext.size());
  return {std::move(name), [xaes, out, ad = Bytes(90), &workload] {
            std::array<std::byte, 16> tag{};
            if (!xaes->Encrypt(NextNonce(), workload.plaintext, ad, out, tag).ok()) std::abort();
          }};
}

// libsodium alone, as a derived key a message makes it: the key schedule each time.
Contestant SodiumNewKey(Workload& workload) {
  return {"libsodium_gcm_new_key", [ad = Bytes(90), &workload] {
            static crypto_aead_aes256gcm_state state;
            constexpr unsigned char kKey[32] = {1};
            constexpr unsigned char kNonce[12] = {};
            crypto_aead_aes256gcm_beforenm(&state, kKey);
            crypto_aead_aes256gcm_encrypt_afternm(AsUnsigned(MutableBytes(workload.out)), nullptr,
                                                  AsUnsigned(ByteView(workload.plaintext)), workload.plaintext.size(),
                                                  AsUnsigned(ByteView(ad)), ad.size(), nullptr, kNonce, &state);
          }};
}

nlohmann::json MeasureSize(std::size_t size) {
  Workload workload = MakeWorkload(size);
  const auto bare = std::make_shared<BareGcm>();
  std::vector<Contestant> contestants;
  contestants.push_back({"openssl_gcm_cached_key", [bare, ad = Bytes(90), &workload] {
                           bare->Encrypt(workload.plaintext, ad, AsUnsigned(MutableBytes(workload.out)));
                         }});
  if (crypto_aead_aes256gcm_is_available() != 0) {
    contestants.push_back(SodiumNewKey(workload));
    contestants.push_back(XaesOn("xaes_libsodium", internal::GcmBackend::kLibsodium, workload));
  }
  contestants.push_back(XaesOn("xaes_openssl", internal::GcmBackend::kOpenSsl, workload));
  contestants.push_back(FieldEncrypt("field_suite1_encrypt", Suite::kXaes256Gcm, workload));
  contestants.push_back(FieldDecrypt("field_suite1_decrypt", Suite::kXaes256Gcm, workload));
  contestants.push_back(FieldEncrypt("field_suite2_encrypt", Suite::kXaes256GcmCommitting, workload));
  contestants.push_back(FieldDecrypt("field_suite2_decrypt", Suite::kXaes256GcmCommitting, workload));
  nlohmann::json report = RunRounds(contestants);
  report["bytes"] = size;
  return report;
}

}  // namespace
}  // namespace coffer::bench

int main() {
  if (sodium_init() < 0) return 1;
  nlohmann::json report;
  for (const std::size_t size : {16, 64, 256, 1024, 4096, 65536})
    report["sizes"].push_back(coffer::bench::MeasureSize(size));
  std::cout << report.dump(2) << "\n";
  return 0;
}
