#include "cli/printing.h"

#include <stdlib.h>

#include <gtest/gtest.h>

#include "cli/outcome.h"

namespace coffer::cli {
namespace {

TEST(Table, ColumnsAreAlignedAndTheLastIsNotPadded) {
  Table table({"NAME", "N"});
  table.Add({"a", "1"});
  table.Add({"longer name", "22"});
  EXPECT_EQ(table.ToText(), "NAME         N\na            1\nlonger name  22\n");
}

TEST(AlignedLines, ValuesBeginInOneColumn) { EXPECT_EQ(AlignedLines({{"a", "1"}, {"bcd", "2"}}), "a:   1\nbcd: 2\n"); }

TEST(Color, IsOnlyWrittenWhenEnabled) {
  EXPECT_EQ(Colored("x", Color::kRed, true), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Colored("x", Color::kRed, false), "x");
  EXPECT_EQ(Colored("x", Color::kNone, true), "x");
}

TEST(Color, IsNotWantedWithoutATerminal) {
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  EXPECT_FALSE(WantsColor(-1));
}

TEST(WriteAll, ABadDescriptorIsAFailure) {
  const auto written = WriteAll(-1, AsBytes("x"));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().exit_code, kExitFailed);
}

struct Explained {
  client::RpcError error;
  int exit_code;
  std::string step;
};

TEST(Failure, ExitCodeAndNextStepFollowTheError) {
  const std::vector<Explained> cases = {
      {{ErrorCode::kSealed, "the service is sealed", true},
       kExitFailed,
       "run `coffer operator unseal`, with --key-file, --passphrase or --share when no key file is configured"},
      {{ErrorCode::kFailedPrecondition, "the store is not initialised", true},
       kExitFailed,
       "run `coffer operator init --key-file FILE`, or bring a lost store back with `coffer operator restore`"},
      {{ErrorCode::kFailedPrecondition, "this version is destroyed", true}, kExitFailed, ""},
      {{ErrorCode::kUnavailable, "no service at unix:/x"},
       kExitFailed,
       "start cofferd, or name the service with --server or COFFER_SERVER"},
      {{ErrorCode::kUnavailable, "the disk is full", true}, kExitFailed, ""},
      {{ErrorCode::kPermissionDenied, "the policy does not allow this operation to your role", true},
       kExitFailed,
       "leave --role away to use the command's own role, or see --role"},
      {{ErrorCode::kPermissionDenied, "no seal slot opens with this", true}, kExitFailed, ""},
      {{ErrorCode::kPermissionDenied, "this user may not use unix:/x"}, kExitFailed, ""},
      {{ErrorCode::kInvalidArgument, "server: is no server address"}, kExitUsage, ""},
      {{ErrorCode::kInvalidArgument, "field.x: is unknown", true}, kExitFailed, ""},
      {{ErrorCode::kNotFound, "name: there is no keyring of this name", true},
       kExitFailed,
       "see `coffer keyring list`, or make it with `coffer keyring create NAME`"},
      {{ErrorCode::kInvalidArgument, "columns[0].tenant: there is no tenant of this name", true},
       kExitFailed,
       "see `coffer tenant list`, or register it with `coffer tenant add NAME`"},
      {{ErrorCode::kNotFound, "there is no tenant of this name"}, kExitFailed, ""},  // nobody of the service said so
  };
  for (const Explained& explained : cases) {
    const Failure failure(explained.error);
    EXPECT_EQ(failure.exit_code, explained.exit_code) << explained.error.message;
    EXPECT_EQ(failure.next_step, explained.step) << explained.error.message;
  }
}

}  // namespace
}  // namespace coffer::cli
