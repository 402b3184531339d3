// micro: one field encrypted in this process, beside bare OpenSSL and libsodium in the same run. JSON on stdout.
#include <algorithm>
#include <chrono>
#include <iostream>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/field_cipher.h"
#include "crypto/internal/xaes.h"
#include "crypto/value.h"

namespace coffer::bench {
namespace {

constexpr int kRounds = 7;
constexpr std::chrono::milliseconds kRoundTime{200};

// Nanoseconds a call, the median over rounds.
template <typename Work>
double Nanoseconds(Work work) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto end = start + kRoundTime;
    std::uint64_t calls = 0;
    while (std::chrono::steady_clock::now() < end) {
      for (int i = 0; i < 256; ++i) work();
      calls += 256;
    }
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    rounds.push_back(spent.count() / static_cast<double>(calls));
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[rounds.size() / 2];
}

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

double FieldEncrypt(Suite suite, Workload& workload) {
  const FieldCipher cipher = MakeCipher(suite);
  const MutableBytes out = MutableBytes(workload.out).first(cipher.form().CiphertextSize(workload.plaintext.size()));
  return Nanoseconds([&] {
    if (!cipher.Encrypt(workload.plaintext, {.row = workload.row, .context = {}}, out).ok()) std::abort();
  });
}

double FieldDecrypt(Suite suite, Workload& workload) {
  const FieldCipher cipher = MakeCipher(suite);
  const MutableBytes out = MutableBytes(workload.out).first(cipher.form().CiphertextSize(workload.plaintext.size()));
  if (!cipher.Encrypt(workload.plaintext, {.row = workload.row, .context = {}}, out).ok()) std::abort();
  return Nanoseconds([&] {
    if (!cipher.Decrypt(out, {.row = workload.row, .context = {}}).ok()) std::abort();
  });
}

double XaesOn(internal::GcmBackend backend, Workload& workload) {
  const SecretBytes key = RandomSecret(32);
  const internal::XaesKey xaes = internal::XaesKey::Create(key.Expose(SecretAccess::kTest), backend).value();
  const Bytes ad(90);
  const MutableBytes out = MutableBytes(workload.out).first(workload.plaintext.size());
  std::array<std::byte, 16> tag{};
  return Nanoseconds([&] {
    if (!xaes.Encrypt(NextNonce(), workload.plaintext, ad, out, tag).ok()) std::abort();
  });
}

nlohmann::json MeasureSize(std::size_t size) {
  Workload workload = MakeWorkload(size);
  const Bytes ad(90);
  BareGcm bare;
  unsigned char sodium_key[32] = {1};
  unsigned char sodium_nonce[12] = {};
  crypto_aead_aes256gcm_state sodium_state;
  const bool has_aesni = crypto_aead_aes256gcm_is_available() != 0;
  nlohmann::json row = {{"bytes", size}};
  row["openssl_gcm_cached_key_ns"] =
      Nanoseconds([&] { bare.Encrypt(workload.plaintext, ad, AsUnsigned(MutableBytes(workload.out))); });
  if (has_aesni) {
    row["libsodium_gcm_new_key_ns"] = Nanoseconds([&] {
      crypto_aead_aes256gcm_beforenm(&sodium_state, sodium_key);
      crypto_aead_aes256gcm_encrypt_afternm(AsUnsigned(MutableBytes(workload.out)), nullptr,
                                            AsUnsigned(ByteView(workload.plaintext)), size, AsUnsigned(ByteView(ad)),
                                            ad.size(), nullptr, sodium_nonce, &sodium_state);
    });
    row["xaes_libsodium_ns"] = XaesOn(internal::GcmBackend::kLibsodium, workload);
  }
  row["xaes_openssl_ns"] = XaesOn(internal::GcmBackend::kOpenSsl, workload);
  row["field_suite1_encrypt_ns"] = FieldEncrypt(Suite::kXaes256Gcm, workload);
  row["field_suite1_decrypt_ns"] = FieldDecrypt(Suite::kXaes256Gcm, workload);
  row["field_suite2_encrypt_ns"] = FieldEncrypt(Suite::kXaes256GcmCommitting, workload);
  row["field_suite2_decrypt_ns"] = FieldDecrypt(Suite::kXaes256GcmCommitting, workload);
  row["nonce_ns"] = Nanoseconds([] { NextNonce(); });
  return row;
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
