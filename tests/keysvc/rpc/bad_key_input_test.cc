// What KeyService refuses about the life of keys, on the wire: KEKs, rotation by age, destruction, census, callers'
// keys.
#include "coffer/v1/key.pb.h"
#include "tests/keysvc/rpc/bad_input.h"

namespace coffer::keysvc {
namespace {

const std::string kMarkerText = kMarker;
const std::string kName64(64, 'n');

class BadKeyInputs : public BadInput {
 protected:
  void SetUp() override {
    StartShop();
    ApplyPolicy();
    ASSERT_TRUE(Call("KeyService.RotateKeyring", "name: 'shop'").ok());
    ASSERT_TRUE(Call("KeyService.RegisterCensusSource", "name: 'shop-db' max_age_us: 86400000000").ok());
  }
  static std::vector<std::string> BadNames() {
    return {"", kMarkerText, "-x", "a.b", "a b", std::string("shop\0x", 6), "shop/../x", kName64};
  }
};

TEST_F(BadKeyInputs, NamesOfWhatDoesNotExist) {
  const std::map<std::string, std::string> keyrings = {{"KeyService.RotateKek", ""},
                                                       {"KeyService.SetRotation", "period_us: 86400000000"},
                                                       {"KeyService.ScheduleDestroy", "version: 1"},
                                                       {"KeyService.CancelDestroy", "version: 1"}};
  const std::map<std::string, std::string> tenants = {
      {"KeyService.GetTenant", ""}, {"KeyService.ShredTenant", ""}, {"KeyService.CancelShredTenant", ""}};
  for (const std::string& name : BadNames()) {
    for (const auto& [rpc, rest] : keyrings) {
      ExpectRefused(NotFound(rpc, "name: " + Quoted(name) + " " + rest, "name: there is no keyring of this name"));
    }
    for (const auto& [rpc, rest] : tenants) {
      ExpectRefused(NotFound(rpc, "name: " + Quoted(name) + rest, "name: there is no tenant of this name"));
    }
    ExpectRefused({
        Invalid("KeyService.RegisterCensusSource", "name: " + Quoted(name) + " max_age_us: 86400000000",
                "name: a census source's name is [a-z0-9]"),
        NotFound("KeyService.RemoveCensusSource", "name: " + Quoted(name), "name: there is no census source"),
        NotFound("KeyService.ReportCensus", "source: " + Quoted(name) + " as_of_us: 1",
                 "name: there is no census source"),
        NotFound("KeyService.GetCensus", "keyring: " + Quoted(name), "name: there is no keyring of this name"),
        NotFound("KeyService.GenerateDataKey", "keyring: " + Quoted(name), "keyring: there is no keyring of this name"),
        NotFound("KeyService.UnwrapDataKey", "keyring: " + Quoted(name) + " wrapped: " + Quoted(std::string(114, 'w')),
                 "keyring: there is no keyring of this name"),
    });
  }
}

TEST_F(BadKeyInputs, Periods) {
  for (const char* period :
       {"-1", "1", "3599999999", "315619200000001", "9223372036854775807", "-9223372036854775808"}) {
    ExpectRefused(Invalid("KeyService.SetRotation", "name: 'shop' period_us: " + std::string(period),
                          "period_us: must be 0 for none, or an hour to ten years"));
  }
}

TEST_F(BadKeyInputs, VersionsToDestroy) {
  for (const char* version : {"0", "3", "4294967295"}) {
    const std::string start = "name: 'shop' version: " + std::string(version);
    ExpectRefused(NotFound("KeyService.ScheduleDestroy", start, "version: the keyring has no such version"));
    ExpectRefused(NotFound("KeyService.CancelDestroy", start, "version: the keyring has no such version"));
  }
  ExpectRefused({
      Precondition("KeyService.ScheduleDestroy", "name: 'shop' version: 2",
                   "version: the primary version cannot be destroyed"),
      Precondition("KeyService.ScheduleDestroy", "name: 'shop' version: 1",
                   "census source shop-db: has never reported"),
      Precondition("KeyService.ScheduleDestroy", "name: 'shop' version: 1 no_sources: true",
                   "census source shop-db: has never reported"),
      Precondition("KeyService.CancelDestroy", "name: 'shop' version: 1", "version: the version is not scheduled"),
      Precondition("KeyService.CancelShredTenant", "name: 'fresh'", "name: the tenant is not scheduled"),
      Precondition("KeyService.ShredTenant", "name: 'default'", "name: the default tenant cannot"),
  });
}

TEST_F(BadKeyInputs, ReasonsAndDelays) {
  const std::map<std::string, std::string> rpcs = {{"KeyService.ScheduleDestroy", "name: 'shop' version: 1 "},
                                                   {"KeyService.ShredTenant", "name: 'fresh' "}};
  for (const auto& [rpc, start] : rpcs) {
    for (const char* delay : {"-1", "1", "604799999999", "-9223372036854775808"}) {
      ExpectRefused(Invalid(rpc, start + "delay_us: " + delay, "delay_us: must be 0, or at least"));
    }
    for (const char* delay : {"31536000000001", "9223372036854775807"}) {
      ExpectRefused(Invalid(rpc, start + "delay_us: " + delay, "delay_us: must be at most 365 days"));
    }
    for (const std::string& text : {kMarkerText + std::string(200, 'r'), kMarkerText + "\n", kMarkerText + "\x1b[2J"}) {
      ExpectRefused(Invalid(rpc, start + "reason: " + Quoted(text), "reason: must be at most 200 characters"));
    }
  }
}

TEST_F(BadKeyInputs, CensusSources) {
  for (const char* age : {"0", "-1", "59999999", "31536000000001", "9223372036854775807"}) {
    ExpectRefused(Invalid("KeyService.RegisterCensusSource", "name: 'more' max_age_us: " + std::string(age),
                          "max_age_us: must be a minute to 365 days"));
  }
  ExpectRefused(Exists("KeyService.RegisterCensusSource", "name: 'shop-db' max_age_us: 86400000000",
                       "name: there is a census source of this name"));
}

TEST_F(BadKeyInputs, CensusReports) {
  const std::string rpc = "KeyService.ReportCensus";
  const std::string start = "source: 'shop-db' as_of_us: 1700000000000000 ";
  for (const char* as_of : {"0", "-1", "9223372036854775807", "-9223372036854775808"}) {
    ExpectRefused(Invalid(rpc, "source: 'shop-db' as_of_us: " + std::string(as_of), "as_of_us: must be a time"));
  }
  ExpectRefused({
      Invalid(rpc, start + "key_ids: 5", "values: must be one a key id"),
      Invalid(rpc, start + "values: 5", "values: must be one a key id"),
      Invalid(rpc, start + "key_ids: 5 key_ids: 6 values: 5", "values: must be one a key id"),
      Invalid(rpc, start + "key_ids: 0 values: 5", "counts: a key id is 1 to"),
      Invalid(rpc, start + "key_ids: 9223372036854775808 values: 5", "counts: a key id is 1 to"),
      Invalid(rpc, start + "key_ids: 18446744073709551615 values: 5", "counts: a key id is 1 to"),
      Invalid(rpc, start + "key_ids: 5 key_ids: 5 values: 1 values: 1", "counts: names a key twice"),
  });
  v1::ReportCensusRequest most;
  most.set_source("shop-db");
  most.set_as_of_us(1'700'000'000'000'000);
  for (std::uint64_t id = 1; id <= 250'001; ++id) {
    most.add_key_ids(id);
    most.add_values(~std::uint64_t{0});
  }
  const std::string before = Counts();
  const Answer refused = As(policy::Role::kApp).Call(rpc, most);
  EXPECT_EQ(refused.code, grpc::StatusCode::INVALID_ARGUMENT) << refused.ToText();
  EXPECT_NE(refused.message.find("key_ids: names more keys than allowed (limit 250000)"), std::string::npos);
  EXPECT_EQ(Counts(), before);
  most.mutable_key_ids()->RemoveLast();
  most.mutable_values()->RemoveLast();
  EXPECT_TRUE(As(policy::Role::kApp).Call(rpc, most).ok()) << "the largest one";
}

TEST_F(BadKeyInputs, CallersKeys) {
  const std::string unwrap = "KeyService.UnwrapDataKey";
  const auto wrapped = [](const std::string& bytes) { return "keyring: 'shop' wrapped: " + Quoted(bytes); };
  for (const std::string& bytes :
       {std::string(), kMarkerText, std::string(113, 'w'), std::string(115, 'w'), std::string(1 << 20, 'w')}) {
    ExpectRefused(
        Invalid(unwrap, wrapped(bytes), "wrapped: must be exactly as long as a wrapped key, in bytes (limit 114)"));
  }
  const auto failed = [&](const std::string& request) {
    return BadCall{unwrap, request, grpc::StatusCode::DATA_LOSS, "decrypt_failed", "the key does not unwrap here"};
  };
  ExpectRefused({
      failed(wrapped(std::string(114, '\0'))),
      failed(wrapped(kMarkerText + std::string(100, 'w'))),
      failed(wrapped("\xc2\x02" + std::string(112, '\x01'))),
      Invalid(unwrap, "keyring: 'shop' tenant: " + Quoted(kMarkerText) + " wrapped: " + Quoted(std::string(114, 'w')),
              "tenant: there is no tenant of this name"),
      Invalid("KeyService.GenerateDataKey", "keyring: 'shop' tenant: " + Quoted(kMarkerText),
              "tenant: there is no tenant of this name"),
      Invalid("KeyService.GenerateDataKey", "keyring: 'coffer-secrets'", "keyring: is reserved"),
      Invalid(unwrap, "keyring: 'coffer-secrets' wrapped: " + Quoted(std::string(114, 'w')), "keyring: is reserved"),
  });
}

TEST_F(BadKeyInputs, AKeyMakesTheRoundTripOnTheWireAndIsNotLogged) {
  const auto made = As(policy::Role::kApp).Call("KeyService.GenerateDataKey", "keyring: 'shop'");
  const auto key = made.As<v1::GenerateDataKeyResponse>();
  EXPECT_EQ(key.plaintext().size(), 32U);
  EXPECT_EQ(key.wrapped().size(), 114U);
  const Answer unwrapped =
      As(policy::Role::kApp).Call("KeyService.UnwrapDataKey", "keyring: 'shop' wrapped: " + Quoted(key.wrapped()));
  EXPECT_EQ(unwrapped.As<v1::UnwrapDataKeyResponse>().plaintext(), key.plaintext());
  EXPECT_EQ(LogLineWith(key.plaintext()), "");
}

}  // namespace
}  // namespace coffer::keysvc
