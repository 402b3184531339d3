#include "tests/keysvc/seal/token_fixture.h"

#include <array>
#include <bit>
#include <dlfcn.h>
#include <filesystem>
#include <stdlib.h>

#include "io/file.h"
#include "io/process.h"

namespace coffer::keysvc::testing {
namespace {

// The exit code, -1 when there is no such program. What it prints is dropped.
int ExitCodeOf(const std::vector<std::string>& argv) {
  ChildOptions options;
  options.input = options.output = options.error = ChildStream::kNull;
  auto child = ChildProcess::Spawn(argv, options);
  return child.ok() ? child->Wait().value() : -1;
}

std::string FindSoftHsm() {
  for (const char* path : {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                           "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"}) {
    if (std::filesystem::exists(path) && ExitCodeOf({"softhsm2-util", "--version"}) == 0) return path;
  }
  return "";
}

ModuleWatch* LoadWatch() {
  void* const library = dlopen(COFFER_WATCHED_MODULE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  const auto get_watch = std::bit_cast<GetModuleWatch>(dlsym(library, "CofferModuleWatch"));
  return get_watch == nullptr ? nullptr : get_watch();
}

}  // namespace

void TokenTest::SetUp() {
  softhsm_ = FindSoftHsm();
  if (softhsm_.empty()) GTEST_SKIP() << "SoftHSM is not installed (Debian package softhsm2)";
  const std::string tokens = folder_ / "tokens";
  std::filesystem::create_directory(tokens);
  const std::string text = "directories.tokendir = " + tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n";
  ASSERT_TRUE(WriteFileDurably(folder_ / "softhsm2.conf", AsBytes(text), 0600).ok());
  ASSERT_EQ(setenv("SOFTHSM2_CONF", (folder_ / "softhsm2.conf").c_str(), 1), 0);
  MakeToken("coffer");
  watch_ = LoadWatch();
  ASSERT_NE(watch_, nullptr);
  *watch_ = ModuleWatch{.real_module = softhsm_.c_str()};
}

void TokenTest::TearDown() { unsetenv("SOFTHSM2_CONF"); }

void TokenTest::MakeToken(const std::string& label) {
  ASSERT_EQ(
      ExitCodeOf({"softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "97531864", "--pin", kPin}),
      0);
}

Pkcs11Options TokenTest::Options() const {
  Pkcs11Options options;
  options.module = COFFER_WATCHED_MODULE;
  options.token = "coffer";
  options.clock = &clock_;
  return options;
}

Pkcs11Options TokenTest::OptionsWithPinFile(const std::string& text, mode_t mode) const {
  Pkcs11Options options = Options();
  options.pin_file = folder_ / "pin";
  EXPECT_TRUE(WriteFileDurably(options.pin_file, AsBytes(text), mode).ok());
  return options;
}

OwnerSession::OwnerSession(const std::string& module) {
  auto loaded = internal::Pkcs11Module::Load(module);
  EXPECT_TRUE(loaded.ok());
  module_.emplace(std::move(loaded).value());
  functions_ = &module_->functions();
  EXPECT_TRUE(module_->Start().ok());
  std::string pin = kPin;
  const auto token = module_->FindToken("coffer");
  EXPECT_TRUE(token.ok());
  const CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
  EXPECT_EQ(functions_->C_OpenSession(token->slot, flags, nullptr, nullptr, &session_), CKR_OK);
  EXPECT_EQ(functions_->C_Login(session_, CKU_USER, AsUnsigned(AsMutableBytes(pin)), pin.size()), CKR_OK);
}

OwnerSession::~OwnerSession() {
  functions_->C_Logout(session_);
  functions_->C_CloseSession(session_);
}

std::vector<CK_OBJECT_HANDLE> OwnerSession::Keys() {
  CK_ULONG type = CKO_SECRET_KEY;
  CK_ATTRIBUTE attribute = {CKA_CLASS, &type, sizeof(type)};
  std::vector<CK_OBJECT_HANDLE> found(16);
  CK_ULONG count = 0;
  EXPECT_EQ(functions_->C_FindObjectsInit(session_, &attribute, 1), CKR_OK);
  EXPECT_EQ(functions_->C_FindObjects(session_, found.data(), found.size(), &count), CKR_OK);
  functions_->C_FindObjectsFinal(session_);
  found.resize(count);
  return found;
}

void OwnerSession::DeleteKeys() {
  for (const CK_OBJECT_HANDLE key : Keys()) EXPECT_EQ(functions_->C_DestroyObject(session_, key), CKR_OK);
}

bool OwnerSession::FlagOf(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type) {
  CK_BBOOL flag = 0xff;
  CK_ATTRIBUTE attribute = {type, &flag, sizeof(flag)};
  EXPECT_EQ(functions_->C_GetAttributeValue(session_, key, &attribute, 1), CKR_OK);
  EXPECT_TRUE(flag == CK_TRUE || flag == CK_FALSE);
  return flag == CK_TRUE;
}

CK_RV OwnerSession::ReadValue(CK_OBJECT_HANDLE key) {
  std::array<unsigned char, 64> value{};
  CK_ATTRIBUTE attribute = {CKA_VALUE, value.data(), value.size()};
  return functions_->C_GetAttributeValue(session_, key, &attribute, 1);
}

void OwnerSession::PutKey(const Pkcs11Slot& slot, bool sensitive, bool extractable) {
  CK_ULONG key_class = CKO_SECRET_KEY;
  CK_ULONG type = CKK_AES;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL is_sensitive = sensitive ? CK_TRUE : CK_FALSE;
  CK_BBOOL is_extractable = extractable ? CK_TRUE : CK_FALSE;
  std::array<unsigned char, 32> value{};
  auto id = slot.key_id;
  std::array<CK_ATTRIBUTE, 8> attributes = {{{CKA_CLASS, &key_class, sizeof(key_class)},
                                             {CKA_KEY_TYPE, &type, sizeof(type)},
                                             {CKA_TOKEN, &yes, sizeof(yes)},
                                             {CKA_DECRYPT, &yes, sizeof(yes)},
                                             {CKA_SENSITIVE, &is_sensitive, sizeof(is_sensitive)},
                                             {CKA_EXTRACTABLE, &is_extractable, sizeof(is_extractable)},
                                             {CKA_VALUE, value.data(), value.size()},
                                             {CKA_ID, id.data(), id.size()}}};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  EXPECT_EQ(functions_->C_CreateObject(session_, attributes.data(), attributes.size(), &key), CKR_OK);
}

}  // namespace coffer::keysvc::testing
