#include "io/http_message.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {

TEST(HttpMessageTest, ARequestIsReadAsItIs) {
  const auto head = HttpRequestHead::Parse(
      "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\ncontent-length:  17 \r\nExpect: 100-Continue\r\n\r\n");
  ASSERT_TRUE(head.ok()) << head.error().ToString();
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/add-checkpoint");
  EXPECT_EQ(head->body_bytes, 17u);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_TRUE(head->expects_continue);
}

TEST(HttpMessageTest, HeadersAreKeptByTheirNameInLowerCase) {
  const auto head = HttpRequestHead::Parse(
      "POST / HTTP/1.1\r\nAuthorization: Bearer a b \r\nX-Twice: 1\r\nx-tWICE:2\r\nX-Empty:\r\nContent-Length: "
      "3\r\n\r\n");
  ASSERT_TRUE(head.ok()) << head.error().ToString();
  EXPECT_EQ(head->headers, (HttpHeaders{{"authorization", "Bearer a b"},
                                        {"x-twice", "1"},
                                        {"x-twice", "2"},
                                        {"x-empty", ""},
                                        {"content-length", "3"}}));
  EXPECT_EQ(OnlyHeader(head->headers, "authorization"), "Bearer a b");
  EXPECT_EQ(OnlyHeader(head->headers, "x-empty"), "");
  EXPECT_EQ(OnlyHeader(head->headers, "x-twice"), std::nullopt);
  EXPECT_EQ(OnlyHeader(head->headers, "x-absent"), std::nullopt);
  EXPECT_EQ(OnlyHeader(head->headers, "Authorization"), std::nullopt);
}

TEST(HttpMessageTest, ConnectionsAreKeptOrClosedAsAsked) {
  EXPECT_TRUE(HttpRequestHead::Parse("GET / HTTP/1.1\r\n\r\n")->keep_alive);
  EXPECT_FALSE(HttpRequestHead::Parse("GET / HTTP/1.0\r\n\r\n")->keep_alive);
  EXPECT_FALSE(HttpRequestHead::Parse("GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n")->keep_alive);
  EXPECT_EQ(HttpRequestHead::Parse("GET / HTTP/1.1\r\n\r\n")->body_bytes, 0u);
}

TEST(HttpMessageTest, WhatTwoReadersCouldTakeForTwoThingsIsRefused) {
  std::string many = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i <= kMaxHttpHeaders; ++i) many += "a: b\r\n";
  const std::vector<std::string> wrong = {
      "",
      "\r\n\r\n",
      "GET / HTTP/1.1",
      "GET / HTTP/1.1\r\n",
      "GET / HTTP/1.1\n\n",
      "GET / HTTP/1.1\r\nHost: w\n\r\n",
      " GET / HTTP/1.1\r\n\r\n",
      "GET  HTTP/1.1\r\n\r\n",
      "GET HTTP/1.1\r\n\r\n",
      "GET / / HTTP/1.1\r\n\r\n",
      "G\tET / HTTP/1.1\r\n\r\n",
      "GET x HTTP/1.1\r\n\r\n",
      "GET http://w/ HTTP/1.1\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET / http/1.1\r\n\r\n",
      "GET / HTTP/1.1 \r\n\r\n",
      "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\n: empty\r\n\r\n",
      "GET / HTTP/1.1\r\nName : blank\r\n\r\n",
      "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
      std::string("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 23),
      "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: \r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 9999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\ntransfer-encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\nExpect: something\r\n\r\n",
      many + "\r\n",
      "GET / HTTP/1.1\r\n\r\nmore",
      "GET /" + std::string(kMaxHttpHead, 'a') + " HTTP/1.1\r\n\r\n",
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto head = HttpRequestHead::Parse(wrong[i]);
    ASSERT_FALSE(head.ok()) << i;
    EXPECT_EQ(head.error().code(), ErrorCode::kInvalidArgument) << i;
  }
}

TEST(HttpMessageTest, AHeadEndsAtItsEmptyLine) {
  EXPECT_EQ(EndOfHttpHead("GET / HTTP/1.1\r\n\r\nbody"), 18u);
  EXPECT_FALSE(EndOfHttpHead("GET / HTTP/1.1\r\n\r"));
  EXPECT_FALSE(EndOfHttpHead("\n\n"));
}

TEST(HttpMessageTest, AReplySaysHowLongItIs) {
  const HttpReply reply{.status = 409, .content_type = "text/x.tlog.size", .body = "17\n"};
  EXPECT_EQ(reply.ToText(true),
            "HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 3\r\n\r\n17\n");
  EXPECT_NE(reply.ToText(false).find("Connection: close\r\n"), std::string::npos);
}

}  // namespace
}  // namespace coffer
