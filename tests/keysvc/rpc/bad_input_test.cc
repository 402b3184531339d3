// What KeyService, SecretService and AdminService refuse, on the wire; and what is no message at all. FieldService has
// its own file.
#include "tests/keysvc/rpc/bad_input.h"

#include <fstream>

namespace coffer::keysvc {
namespace {

const std::string kMarkerText = kMarker;
const std::string kName64(64, 'n');

class BadInputs : public BadInput {
 protected:
  void SetUp() override {
    StartShop();
    ApplyPolicy();
  }
};

TEST_F(BadInputs, KeyringNames) {
  const std::string form = "name: a keyring's name is [a-z0-9][a-z0-9-]*, at most 63 characters";
  for (const std::string& name :
       {std::string(), kMarkerText, std::string("-shop"), std::string("shop_2"), std::string("sh op"),
        std::string("b\xc3\xb6se"), std::string("shop\0x", 6), std::string("shop/../x"), kName64}) {
    ExpectRefused(Invalid("KeyService.CreateKeyring", "name: " + Quoted(name), form));
    for (const char* rpc : {"KeyService.GetKeyring", "KeyService.RotateKeyring"}) {
      ExpectRefused(NotFound(rpc, "name: " + Quoted(name), "name: there is no keyring of this name"));
    }
  }
  ExpectRefused(Exists("KeyService.CreateKeyring", "name: 'shop'", "name: there is a keyring of this name"));
  ExpectRefused(Exists("KeyService.CreateKeyring", "name: 'coffer-secrets'", "name: there is a keyring of this name"));
}

TEST_F(BadInputs, KeyringPurposesThatDoNotExist) {
  for (const char* purpose : {"4", "7", "-1", "2147483647"}) {
    ExpectRefused(Invalid("KeyService.CreateKeyring", "name: 'new' purpose: " + std::string(purpose),
                          "purpose: is not a purpose"));
  }
}

TEST_F(BadInputs, KeyVersions) {
  const std::string none = "version: the keyring has no such version";
  for (const char* rpc : {"KeyService.DisableKeyVersion", "KeyService.EnableKeyVersion"}) {
    for (const char* version : {"0", "2", "4294967295"}) {
      ExpectRefused(NotFound(rpc, "name: 'shop' version: " + std::string(version), none));
    }
    ExpectRefused(NotFound(rpc, "name: " + Quoted(kMarkerText) + " version: 1", "name: there is no keyring"));
  }
  ExpectRefused(Precondition("KeyService.DisableKeyVersion", "name: 'shop' version: 1",
                             "version: the primary version cannot be disabled"));
  const std::string lost = "expected_primary_version: the primary version is another";
  ExpectRefused(Conflict("KeyService.RotateKeyring", "name: 'shop' expected_primary_version: 2", lost));
  ExpectRefused(Conflict("KeyService.RotateKeyring", "name: 'shop' expected_primary_version: 4294967295", lost));
}

TEST_F(BadInputs, TenantNamesAndPages) {
  for (const std::string& name : {std::string(), kMarkerText, std::string("-x"), std::string("a.b"), kName64}) {
    ExpectRefused(Invalid("KeyService.CreateTenant", "name: " + Quoted(name), "name: a tenant's name is [a-z0-9]"));
  }
  ExpectRefused(Exists("KeyService.CreateTenant", "name: 'default'", "name: there is a tenant of this name"));
  for (const char* rpc : {"KeyService.ListTenants", "KeyService.ListKeyrings"}) {
    for (const char* size : {"page_size: 1001", "page_size: 4294967295"}) {
      ExpectRefused(Invalid(rpc, size, "page_size: is more than allowed (limit 1000)"));
    }
    for (const std::string& token : {kMarkerText, std::string("a\0", 2), kName64}) {
      ExpectRefused(Invalid(rpc, "page_token: " + Quoted(token), "page_token: is not a page token"));
    }
  }
}

TEST_F(BadInputs, SecretPathsAndTenantsOfEveryRpc) {
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"", "a path's segment is empty"},
      {"/", "a path's segment is empty"},
      {"app/", "a path's segment is empty"},
      {"app//" + kMarkerText, "a path's segment is empty"},
      {"app/../" + kMarkerText, "a path's segment is . or .."},
      {"app/ " + kMarkerText, "not escaped as it has to be"},
      {"app/%2f" + kMarkerText, "not escaped as it has to be"},
      {"app/%41" + kMarkerText, "not escaped as it has to be"},
      {"app/%4", "not escaped as it has to be"},
      {std::string("app\0db", 6), "not escaped as it has to be"},
      {"app/" + std::string(65, 'x'), "longer than allowed (limit 64)"},
      {Times(8, "x/") + "x", "too many segments (limit 8)"},
      {std::string(520, 'x'), "a path is longer than allowed (limit 519)"},
  };
  const std::map<std::string, std::string> rpcs = {
      {"SecretService.PutSecret", "value: 'v'"}, {"SecretService.GetSecret", ""},
      {"SecretService.GetSecretHistory", ""},    {"SecretService.DeleteSecret", ""},
      {"SecretService.UndeleteSecret", ""},      {"SecretService.DestroySecret", "versions: 1"}};
  for (const auto& [rpc, rest] : rpcs) {
    for (const auto& [path, text] : paths) ExpectRefused(Invalid(rpc, rest + " path: " + Quoted(path), text));
    ExpectRefused(Invalid(rpc, rest + " path: 'app/db' tenant: " + Quoted(kMarkerText),
                          "tenant: there is no tenant of this name"));
    if (rpc == "SecretService.PutSecret") continue;
    ExpectRefused(NotFound(rpc, rest + " path: 'app/none'", "path: there is no secret at this path"));
    ExpectRefused(NotFound(rpc, rest + " path: 'app/db' tenant: 'fresh'", "path: there is no secret at this path"));
  }
  ExpectRefused(Invalid("SecretService.ListSecrets", "tenant: " + Quoted(kMarkerText),
                        "tenant: there is no tenant of this name"));
}

TEST_F(BadInputs, PutSecret) {
  const std::string rpc = "SecretService.PutSecret";
  // A tenant without a data key: a refused put makes none.
  const std::string put = "tenant: 'fresh' path: 'new' value: " + Quoted(kMarkerText) + " ";
  const auto metadata = [&](const std::string& key, const std::string& value) {
    return put + "set_metadata: true metadata { key: " + Quoted(key) + " value: " + Quoted(value) + " }";
  };
  const std::string key_form = "metadata.key: must be 1 to 128 bytes of UTF-8 (limit 128)";
  std::string pairs;
  for (int i = 0; i < 65; ++i) pairs += "metadata { key: 'k" + std::to_string(i) + "' } ";
  ExpectRefused({
      Invalid(rpc, "tenant: 'fresh' path: 'new' value: " + Quoted(kMarkerText + std::string((1 << 20), 'v')),
              "value: is longer than allowed (limit 1048576)"),
      Invalid(rpc, put + "expires_us: 1", "expires_us: must be in the future"),
      Invalid(rpc, put + "expires_us: -1", "expires_us: must be in the future"),
      Invalid(rpc, put + "expires_us: -9223372036854775808", "expires_us: must be in the future"),
      Invalid(rpc, metadata("", "v"), key_form),
      Invalid(rpc, metadata(kMarkerText + std::string(128, 'k'), "v"), key_form),
      Invalid(rpc, metadata("k", kMarkerText + std::string(512, 'v')),
              "metadata.value: must be at most 512 bytes of UTF-8 (limit 512)"),
      Invalid(rpc, metadata(kMarkerText, "1") + " metadata { key: " + Quoted(kMarkerText) + " value: '2' }",
              "metadata: names a key twice"),
      Invalid(rpc, put + "set_metadata: true " + pairs, "metadata: has more pairs than allowed (limit 64)"),
      Invalid(rpc, put + "metadata { key: 'k' value: 'v' }", "metadata: is given, but set_metadata is not"),
      Conflict(rpc, "path: 'new' expected_version: 1", "expected_version: the current version is another"),
      Conflict(rpc, "path: 'new' expected_version: 18446744073709551615",
               "expected_version: the current version is another"),
      Conflict(rpc, "path: 'app/db' expected_version: 0", "expected_version: the current version is another"),
      Conflict(rpc, "path: 'app/db' expected_version: 1", "expected_version: the current version is another"),
  });
}

TEST_F(BadInputs, SecretVersions) {
  for (const char* version : {"3", "1000001", "9223372036854775808", "18446744073709551615"}) {
    ExpectRefused(NotFound("SecretService.GetSecret", "path: 'app/db' version: " + std::string(version),
                           "version: the secret has no such version"));
  }
  ExpectRefused(
      Precondition("SecretService.GetSecret", "path: 'app/db' version: 1", "version: this version is deleted"));
  for (const char* rpc :
       {"SecretService.DeleteSecret", "SecretService.UndeleteSecret", "SecretService.DestroySecret"}) {
    const std::string start = "path: 'app/db' ";
    for (const char* version : {"0", "1000001", "18446744073709551615"}) {
      ExpectRefused(Invalid(rpc, start + "versions: 2 versions: " + version,
                            "versions: a version is a number from 1 (limit 1000000)"));
    }
    ExpectRefused(
        NotFound(rpc, start + "versions: 1 versions: 2 versions: 3", "version: the secret has no such version"));
    ExpectRefused(
        Invalid(rpc, start + Times(1001, "versions: 2 "), "versions: names more versions than allowed (limit 1000)"));
  }
}

TEST_F(BadInputs, DestroySecretAsksForVersions) {
  ExpectRefused(Invalid("SecretService.DestroySecret", "path: 'app/db'", "versions: names no version"));
}

TEST_F(BadInputs, PagesOfSecrets) {
  const std::string history = "path: 'app/db' ";
  for (const auto& [rpc, start] : std::map<std::string, std::string>{{"SecretService.ListSecrets", ""},
                                                                     {"SecretService.GetSecretHistory", history}}) {
    ExpectRefused(Invalid(rpc, start + "page_size: 1001", "page_size: is more than allowed (limit 1000)"));
    ExpectRefused(Invalid(rpc, start + "page_size: 4294967295", "page_size: is more than allowed (limit 1000)"));
    for (const std::string& token : {"/" + kMarkerText, std::string("a b"), std::string("\0", 1)}) {
      ExpectRefused(Invalid(rpc, start + "page_token: " + Quoted(token), "page_token: is not a page token"));
    }
  }
  for (const char* token : {"0", "3", "-1", "+1", " 1", "1 ", "99999999999999999999"}) {
    ExpectRefused(Invalid("SecretService.GetSecretHistory", history + "page_token: '" + token + "'",
                          "page_token: is not a page token"));
  }
  ExpectRefused(Invalid("SecretService.ListSecrets", "prefix: " + Quoted(kMarkerText + std::string(520, 'p')),
                        "prefix: is longer than allowed (limit 519)"));
}

TEST_F(BadInputs, InitHappensOnce) {
  const std::string second = folder / "second.key";
  ExpectRefused(
      Exists("AdminService.Init",
             "seal { key_file { path: " + Quoted(second) + " allow_same_device: true } } accept_total_loss: true",
             "the store is initialised already"));
  ExpectRefused(Exists("AdminService.Init",
                       "seal { passphrase: 'correct horse battery staple' } accept_total_loss: true",
                       "initialised already"));
  EXPECT_FALSE(std::filesystem::exists(second)) << "no key file for a store that was not made";
}

TEST_F(BadInputs, Unseal) {
  const std::string rpc = "AdminService.Unseal";
  std::ofstream(folder / "short.key") << std::string(31, 'k');
  std::ofstream(folder / "long.key") << std::string(33, 'k');
  std::ofstream(folder / "other.key") << std::string(32, 'k');
  for (const char* name : {"short.key", "long.key", "other.key"}) {
    std::filesystem::permissions(folder / name,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  const auto file = [&](const std::string& name) { return "key_file_path: " + Quoted(folder / name); };
  ExpectRefused({
      Invalid(rpc, "", "seal: no key file is configured"),
      Invalid(rpc, "key_file_path: ''", "key_file.path: must be an absolute path"),
      Invalid(rpc, "key_file_path: " + Quoted(kMarkerText), "key_file.path: must be an absolute path"),
      Invalid(rpc, "key_file_path: " + Quoted("/" + kMarkerText + std::string(4096, 'p')),
              "key_file.path: is longer than allowed (limit 4096)"),
      Invalid(rpc, file("short.key"), "key_file.path: a key file has exactly 32 bytes"),
      Invalid(rpc, file("long.key"), ""),
      NotFound(rpc, file("missing.key"), "missing.key: does not exist"),
      Invalid(rpc, "passphrase: " + Quoted(""), "passphrase: is shorter than allowed (limit 12)"),
      Invalid(rpc, "passphrase: " + Quoted(kMarkerText.substr(0, 11)),
              "passphrase: is shorter than allowed (limit 12)"),
      Invalid(rpc, "passphrase: " + Quoted(kMarkerText + std::string(1024, 'p')),
              "passphrase: is longer than allowed (limit 1024)"),
      Denied(rpc, "passphrase: " + Quoted(kMarkerText), "no seal slot opens with this"),
      Denied(rpc, file("other.key"), "no seal slot opens with this"),
  });
  // The name as the kernel would read it is the right key file's.
  const Answer cut_short = Call(rpc, "key_file_path: " + Quoted(key_file() + std::string("\0", 1) + kMarkerText));
  EXPECT_EQ(cut_short.code, grpc::StatusCode::INVALID_ARGUMENT) << cut_short.ToText();
}

TEST_F(BadInputs, Catalogs) {
  const std::string shop(kShopCatalog);
  const auto request = [](const std::string& catalog, const std::string& catalog_lock) {
    return "catalog: " + Quoted(catalog) + " lock: " + Quoted(catalog_lock);
  };
  const std::string field = "[field.\"user.email\"]\nclass = \"pii\"\nrow = \"int64\"\n";
  const std::string marker_text = "\"" + kMarkerText + "\"\n";
  for (const std::string rpc : {"AdminService.ApplyCatalog", "AdminService.DiffCatalog"}) {
    ExpectRefused({
        Invalid(rpc, "", "scope: is required"),
        Invalid(rpc, request(kMarkerText, ""), "has a key without a value"),
        Invalid(rpc, request("scope = " + marker_text, ""), "scope:1: is not a scope's name"),
        Invalid(rpc, request("scope = \"coffer\"", ""), "scope:1: is reserved"),
        Invalid(rpc, request("scope = \"b\"\n" + field + "keyring = " + marker_text, ""),
                "field.user.email.keyring:5: is not a keyring's name"),
        Invalid(rpc, request("scope = \"b\"\n" + field + "keyring = \"shop\"\nunbound = \"\"", ""), "(limit 200)"),
        Invalid(rpc, request("scope = \"b\"\n" + field + "keyring = \"coffer-secrets\"", ""),
                "field.user.email.keyring:5: is reserved"),
        Precondition(rpc, request("scope = \"b\"\n" + field + "keyring = \"none\"", ""),
                     "keyring: there is no keyring of this name"),
        Invalid(rpc, request(std::string((1 << 20) + 1, '#'), ""), "(limit 1048576)"),
        Invalid(rpc, request("scope = \"b\"", kMarkerText), "lock"),
        Invalid(rpc, request(shop, lock.substr(0, lock.size() / 2)), "lock"),
        Invalid(rpc, request("scope = \"b\"", lock), "catalog.lock: is the lock of another scope"),
        Precondition(rpc, request(shop, ""), "catalog.lock: is missing"),
    });
  }
}

TEST_F(BadInputs, GetCatalog) {
  for (const std::string& scope :
       {kMarkerText, std::string("shop\0", 5), std::string("../shop"), std::string(100'000, 's')}) {
    ExpectRefused(
        NotFound("AdminService.GetCatalog", "scope: " + Quoted(scope), "scope: there is no scope of this name"));
  }
}

// gRPC's callback handlers answer bytes that are not the request's message with UNIMPLEMENTED and no text, before any
// code of ours.
TEST_F(BadInputs, WhatIsNoMessageIsRefusedBeforeUs) {
  const std::string before = Counts();
  const std::vector<std::string> not_messages = {
      "\x0a",                                  // a tag without its length
      "\x0a\x05shop",                          // cut off
      std::string("\x0a\x02\xff\xfe", 4),      // a string that is not UTF-8
      std::string("\x0a\x03\xed\xa0\x80", 5),  // a surrogate
      "\x0c",                                  // the end of a group that did not begin
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
  };
  for (const Rpc& rpc : AllRpcs()) {
    for (const std::string& bytes : not_messages) {
      // May have no field 1, or a number: unknown fields are ignored.
      if (rpc.sample.empty() || rpc.name == "AdminService.RemoveSealSlot") continue;
      if (rpc.name == "AuditService.ProveRecord") continue;
      // Field 1 is bytes, which need not be UTF-8.
      const bool takes_bytes =
          rpc.name == "IdentityService.DenyCertificate" || rpc.name == "IdentityService.AllowCertificate";
      if (takes_bytes && bytes.front() == '\x0a' && !IsUtf8(bytes)) continue;
      const Answer answer = As(CallerOf(rpc.name)).CallRaw(Wire::MethodOf(rpc.name), bytes);
      EXPECT_EQ(answer.code, grpc::StatusCode::UNIMPLEMENTED) << rpc.name << " " << answer.ToText();
      EXPECT_EQ(answer.body, "");
    }
  }
  EXPECT_EQ(Counts(), before);
}

TEST_F(BadInputs, UnknownMethodsAndFieldsAreNotOurs) {
  for (const char* method :
       {"/coffer.v1.KeyService/DestroyKeyring", "/coffer.v1.Admin/Seal", "/coffer.v1.AdminService/seal", "/x/y"}) {
    EXPECT_EQ(As(policy::Role::kAdmin).CallRaw(method, "").code, grpc::StatusCode::UNIMPLEMENTED) << method;
  }
  // Field 100 of a newer client: ignored, as protobuf has it.
  const Answer answer = As(policy::Role::kAdmin).CallRaw(Wire::MethodOf("AdminService.GetStatus"), "\xa2\x06\x01x");
  EXPECT_TRUE(answer.ok()) << answer.ToText();
}

TEST_F(BadInputs, MergesOfWhatIsNoStore) {
  const std::string rpc = "AdminService.MergeStore";
  const std::string identity =
      " recovery_identity: 'AGE-SECRET-KEY-1R0SU6RP68YM4JSYNZXXT7TUGNCPZ6VYC7JGR64CSSC574L69ED0S64Y3VX'";
  const std::string file = "backup_path: '/nowhere/edge.age'";
  const std::string right = file + identity;
  const auto rename = [](const std::string& from, const std::string& to) {
    return " rename_tenants { name: " + Quoted(from) + " name_here: " + Quoted(to) + " }";
  };
  const std::string not_a_name = "rename_tenant: a tenant's name is [a-z0-9]";
  ExpectRefused({
      Invalid(rpc, "", "recovery_identity: must be the identity"),
      Invalid(rpc, file, "recovery_identity: must be the identity"),
      Invalid(rpc, file + " recovery_identity: " + Quoted(kMarkerText), "recovery_identity:1: "),
      Invalid(rpc, file + " recovery_identity: " + Quoted(std::string(65'537, '#')), "recovery_identity: "),
      Invalid(rpc, identity, "backup: must be an absolute path"),
      Invalid(rpc, "backup_path: " + Quoted(kMarkerText) + identity, "backup: must be an absolute path"),
      NotFound(rpc, right, "edge.age: does not exist"),
      NotFound(rpc, file + identity + " dry_run: true", "edge.age: does not exist"),
      Invalid(rpc, right + rename("default", kMarkerText), not_a_name),
      Invalid(rpc, right + rename(kMarkerText, "edge"), not_a_name),
      Invalid(rpc, right + rename("", ""), not_a_name),
      Invalid(rpc, right + rename("a", "b") + rename("a", "c"), "rename_tenant: names a tenant twice"),
      Invalid(rpc, right + Times(1'001, rename("a", "b")),
              "rename_tenant: names more tenants than allowed (limit 1000)"),
      Invalid(rpc, right + " secrets_under: " + Quoted("a//" + kMarkerText), "secrets_under"),
      Invalid(rpc, right + " secrets_under: " + Quoted("a b" + kMarkerText), "secrets_under"),
  });
}

class BadInputsBeforeInit : public BadInput {
 protected:
  void SetUp() override { StartDaemon(DefaultSockets()); }
};

TEST_F(BadInputsBeforeInit, InitRefusesWrongSeals) {
  const std::string rpc = "AdminService.Init";
  const std::string accept = " accept_total_loss: true";
  std::ofstream(key_file()) << "taken";
  const auto file = [&](const std::string& path, const std::string& more) {
    return "seal { key_file { path: " + Quoted(path) + more + " } }" + accept;
  };
  ExpectRefused({
      Invalid(rpc, accept, "seal: names no kind of seal slot"),
      Precondition(rpc, "seal { passphrase: " + Quoted(kMarkerText) + " }",
                   "accept_total_loss: without a recovery slot"),
      Invalid(rpc, "seal { passphrase: " + Quoted(kMarkerText.substr(0, 11)) + " }" + accept,
              "passphrase: is shorter than allowed (limit 12)"),
      Invalid(rpc, "seal { passphrase: " + Quoted(kMarkerText + std::string(1024, 'p')) + " }" + accept,
              "passphrase: is longer than allowed (limit 1024)"),
      Invalid(rpc, "seal { key_file {} }" + accept, "key_file.path: must be an absolute path"),
      Invalid(rpc, file(kMarkerText, ""), "key_file.path: must be an absolute path"),
      Invalid(rpc, file("/" + kMarkerText + std::string(4096, 'p'), ""),
              "key_file.path: is longer than allowed (limit 4096)"),
      Invalid(rpc, file(data_dir() + "/" + kMarkerText, ""), "key_file.path: is on the store's own device"),
      Exists(rpc, file(key_file(), " allow_same_device: true"), "key_file.path: there is a file already"),
      NotFound(rpc, file(folder / "missing/key", " allow_same_device: true"), "missing/key: does not exist"),
      Invalid(rpc, "seal { shares { threshold: 1 count: 3 } }" + accept, "shares.threshold: must be 2 to the count"),
      Invalid(rpc, "seal { shares { threshold: 4 count: 3 } }" + accept, "shares.threshold: must be 2 to the count"),
      Invalid(rpc, "seal { shares { threshold: 2 count: 17 } }" + accept,
              "shares.count: is more than allowed (limit 16)"),
      Invalid(rpc, "seal { recovery { recipients: 'age1' } }" + accept, "seal: a recovery slot is not for this"),
      Precondition(rpc, "seal { pkcs11 {} }" + accept, "no PKCS#11 token is configured"),
      Precondition(rpc, "seal { command {} }" + accept, "no seal command is configured"),
      Invalid(rpc, "seal { command {} } recovery {}", "recovery.recipients: must be one or more"),
      Invalid(rpc, "seal { command {} } recovery { recipients: " + Quoted(kMarkerText) + " }",
              "recovery.recipients[0]:"),
      Invalid(rpc, file(data_dir() + std::string("/k\0", 3) + kMarkerText, " allow_same_device: true"), ""),
  });
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_UNINITIALISED);
}

TEST_F(BadInputsBeforeInit, NothingElseIsServedBeforeInit) {
  for (const Rpc& rpc : AllRpcs()) {
    const std::set<std::string> served = {"AdminService.Init",          "AdminService.GetStatus",
                                          "AdminService.Seal",          "AdminService.StartRecovery",
                                          "AdminService.ListSealSlots", "AdminService.Recover"};
    if (served.contains(rpc.name) || rpc.name.starts_with("AuditService.")) continue;
    const std::string request = rpc.name == "AdminService.Unseal" ? "key_file_path: '/nowhere'" : rpc.sample;
    ExpectRefused(Precondition(rpc.name, request, "the store is not initialised"));
  }
}

}  // namespace
}  // namespace coffer::keysvc
