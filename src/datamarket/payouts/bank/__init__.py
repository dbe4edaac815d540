"""The bank's side: statements imported, lines matched with entries, both reconciled; and a simulated bank.

bank statement = 银行对账单 · matching = 勾对 · reconciliation = 银行余额调节
"""
