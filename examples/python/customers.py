#!/usr/bin/python3
"""Customers of a shop, encrypted in PostgreSQL and searched there, with nothing of Coffer but its protos.

    customers.py add            NAME, EMAIL, CITY and INCOME, a line each, from standard input
    customers.py find INDEX     exact (by e-mail address), part (by letters of the name): what, from standard input

Needs Debian's python3-grpcio, python3-protobuf and python3-psycopg2, and stubs that protoc made (../README.md). The
service is COFFER_SERVER, unix:FOLDER; the database is what PGHOST, PGDATABASE and the like say.
"""

import os
import sys

import grpc
import psycopg2
import psycopg2.errors
from coffer.v1 import field_pb2 as v1
from coffer.v1.field_pb2_grpc import FieldServiceStub

COLUMNS = ("name", "email", "city", "income")
DEADLINE_S = 10
MOST_CANDIDATES = 1000


class Failure(Exception):
    """Why the program cannot go on, as a sentence that holds no value."""


def column_of(name, ids, values):
    """Values of one column, each bound to its row."""
    column = v1.Column(field=f"shop.customer.{name}", values=values)
    for row in ids:
        column.rows.add().parts.add(int64=row)
    return column


def token_cells(name, result):
    """The columns that the first value's tokens belong into. A unique index has one a version instead of an _iv."""
    cells = {}
    for index in result.indexes:
        if index.bytes:
            later = f"_{index.version}" if index.version > 1 else ""
            cells[f"{name}_{index.index}{later}"] = index.bytes[0]
        else:
            cells[f"{name}_{index.index}"] = index.numbers[0] if index.width == 1 else list(index.numbers[:index.width])
            cells[f"{name}_{index.index}_iv"] = index.version
    return cells


def condition_of(column, answer):
    """(condition, parameters) that find the rows with the tokens of any live version of an index."""
    alternatives, parameters = ["FALSE"], []
    for version in answer.versions:
        for tokens in version.sets:
            comparison = "@> %s::int8[]" if version.match == v1.TOKEN_MATCH_ALL else "= ANY (%s::int8[])"
            alternatives.append(f"({column}_iv = %s AND {column} {comparison})")
            parameters += [version.version, list(tokens.numbers)]
    return " OR ".join(alternatives), parameters


class Customers:
    def __init__(self):
        self.database = psycopg2.connect("")
        folder = os.environ["COFFER_SERVER"]
        self.coffer = FieldServiceStub(grpc.insecure_channel(f"{folder}/app.sock"))

    def add(self, customer):
        """Its number. Raises psycopg2.errors.UniqueViolation when the address is taken, in whatever spelling."""
        with self.database, self.database.cursor() as cursor:
            cursor.execute("SELECT nextval('customer_id')")  # a value is bound to its row: the number comes first
            row = cursor.fetchone()[0]
            request = v1.EncryptFieldsRequest(columns=[column_of(name, [row], [customer[name].encode()])
                                                       for name in COLUMNS])
            cells = {"id": row}
            for name, result in zip(COLUMNS, self.coffer.EncryptFields(request, timeout=DEADLINE_S).columns):
                cells[name] = result.values[0]
                cells.update(token_cells(name, result))
            cursor.execute(f"INSERT INTO customer ({', '.join(cells)}) VALUES ({', '.join(['%s'] * len(cells))})",
                           list(cells.values()))
        return row

    def find(self, column, search):
        """(number, customer) of those that are what is searched for, and how many had a token of it."""
        request = v1.IndexTokensRequest()
        request.queries.add(field=f"shop.customer.{column}", search=search)
        answer = self.coffer.IndexTokens(request, timeout=DEADLINE_S).answers[0]
        where, parameters = condition_of(f"{column}_{search.index}", answer)
        with self.database, self.database.cursor() as cursor:
            columns = ", ".join(f"{name}::bytea" for name in COLUMNS)  # the driver does not know coffer.ciphertext
            cursor.execute(f"SELECT id, {columns} FROM customer WHERE {where} ORDER BY id LIMIT {MOST_CANDIDATES}",
                           parameters)
            rows = cursor.fetchall()
        if len(rows) == MOST_CANDIDATES:
            raise Failure("too many customers are like that")
        return self.read(self.meant(column, search, rows)), len(rows)

    def meant(self, column, search, rows):
        """The rows whose value is what was searched for, as the service says after it has decrypted it."""
        if not rows:
            return []
        request = self.encrypted(rows, column)
        request.match.CopyFrom(search)
        (result,) = self.decrypt([request])
        others = {error.index for error in result.errors}
        if any(error.code != v1.ITEM_ERROR_CODE_NO_MATCH for error in result.errors):
            raise Failure("a customer's row does not decrypt")
        return [row for number, row in enumerate(rows) if number not in others]

    def read(self, rows):
        if not rows:
            return []
        columns = self.decrypt([self.encrypted(rows, name) for name in COLUMNS])
        if any(column.errors for column in columns):
            raise Failure("a customer's row does not decrypt")
        return [(row[0], {name: column.values[number].decode() for name, column in zip(COLUMNS, columns)})
                for number, row in enumerate(rows)]

    def encrypted(self, rows, column):
        place = 1 + COLUMNS.index(column)
        return column_of(column, [row[0] for row in rows], [bytes(row[place]) for row in rows])

    def decrypt(self, columns):
        return self.coffer.DecryptFields(v1.DecryptFieldsRequest(columns=columns), timeout=DEADLINE_S).columns


def main(arguments):
    customers = Customers()
    if arguments == ["add"]:
        try:
            print("customer", customers.add({name: input() for name in COLUMNS}))
        except psycopg2.errors.UniqueViolation:
            print("that address is taken")
    elif arguments in (["find", "exact"], ["find", "part"]):
        if arguments[1] == "exact":
            found, candidates = customers.find("email", v1.Search(index="exact", equals=input().encode()))
        else:
            contains = v1.Contains(text=input().encode())
            found, candidates = customers.find("name", v1.Search(index="part", contains=contains))
        for number, customer in found:
            print(f"{number}  {customer['name']}, {customer['city']}, {customer['email']}, {customer['income']}")
        print(f"{len(found)} of {candidates} candidates")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(str(failure))
    except grpc.RpcError as failure:
        sys.exit(failure.details())
